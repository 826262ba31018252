"""Deliveries that lie elsewhere than AWS first put them, and those that came without a manifest."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infraspend.loaders import aws_cur
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.warehouse import LakeUrl
from tests.command_line.process import run
from tests.loaders.bills import charge, cur2_table, deliver_cur2, deliver_legacy, text_of
from tests.loaders.queries import content, copied, rows
from tests.loaders.s3_server import BUCKET, FaultyS3

URL = f"s3://{BUCKET}"
OURS, THEIRS = "000111111111", "000222222222"
WITHOUT = aws_cur.Policy(without_manifest=True)

SERVING = (
    "select distinct assembly_id, payer_account_id, line_count from raw_aws_cur.assemblies"
    " order by all"
)


def lines_of(payer: str, lines: int = 1) -> bytes:
    return text_of([charge(bill__PayerAccountId=payer)] * lines)


def upload(s3: FaultyS3, bucket: Path, prefix: str) -> None:
    """Puts a directory's files below a prefix, whatever that looks like."""
    for file in sorted(bucket.rglob("*")):
        if file.is_file():
            key = f"{prefix}{file.relative_to(bucket).as_posix()}"
            s3.client.put_object(Bucket=BUCKET, Key=key, Body=file.read_bytes())


def age(bucket: Path, hours: int = 24) -> None:
    """Makes everything as if it were written some hours ago."""
    for file in bucket.rglob("*"):
        written = datetime.now(UTC).timestamp() - hours * 3600
        os.utime(file, (written, written))


def drop_manifests(bucket: Path) -> None:
    for manifest in bucket.rglob("*-Manifest.json"):
        manifest.unlink()


@pytest.mark.thorough
@pytest.mark.parametrize("prefix", ["", "/", "copies/of/", "copies//", "/copies/", "//"])
def test_a_delivery_is_the_same_wherever_it_was_copied(
    warehouse: Path, bucket: Path, s3: FaultyS3, prefix: str
) -> None:
    deliver_legacy(bucket, lines_of(OURS), lines_of(OURS, 2))
    deliver_cur2(bucket, cur2_table(3), period="2026-09")
    upload(s3, bucket, prefix)

    assert aws_cur.load(warehouse, URL).rows == 6
    assert aws_cur.load(warehouse, f"{URL}/{prefix}").skipped == 2


@pytest.mark.thorough
def test_an_empty_prefix_gives_keys_that_begin_with_a_slash(
    warehouse: Path, bucket: Path, s3: FaultyS3
) -> None:
    manifest = deliver_legacy(bucket, lines_of(OURS))
    described = json.loads(manifest.read_text())
    described["reportKeys"] = [key.replace("prefix/", "/", 1) for key in described["reportKeys"]]
    manifest.write_text(json.dumps(described))
    upload(s3, bucket / "prefix", "/")

    assert aws_cur.load(warehouse, f"{URL}//hourly/").rows == 1


def test_a_key_never_leads_out_of_the_prefix_given(
    warehouse: Path, bucket: Path, s3: FaultyS3
) -> None:
    manifest = deliver_legacy(bucket, lines_of(OURS))
    described = json.loads(manifest.read_text())
    described["reportKeys"] = ["prefix/hourly/20261001-20261101/../../../secret.csv.gz"]
    manifest.write_text(json.dumps(described))
    s3.sync(bucket)
    s3.client.put_object(Bucket=BUCKET, Key="secret.csv.gz", Body=b"secret")
    s3.downloads()

    with pytest.raises(InfraspendError, match="a file outside 20261001-20261101"):
        aws_cur.load(warehouse, f"{URL}/prefix")
    assert not any("secret" in path for path in s3.downloads())


@pytest.mark.thorough
@pytest.mark.parametrize("month", ["month=9", "month=09"])
@pytest.mark.parametrize("named", ["month=9", "month=09"])
def test_a_manifest_in_year_and_month_folders_is_found(
    warehouse: Path, bucket: Path, month: str, named: str
) -> None:
    made = deliver_legacy(bucket / "made", lines_of(OURS), period="20260901-20261001")
    folder = bucket / "hourly" / "year=2026" / month
    folder.mkdir(parents=True)
    (file,) = (bucket / "made").rglob("*.csv.gz")
    file.rename(folder / file.name)
    described = json.loads(made.read_text())
    described["reportKeys"] = [f"prefix/hourly/year=2026/{named}/{file.name}"]
    drop_manifests(bucket)
    (folder / made.name).write_text(json.dumps(described))

    assert aws_cur.load(warehouse, str(bucket)).rows == 1
    assert rows(warehouse, "select billing_period from raw_aws_cur.assemblies") == [("2026-09",)]


@pytest.mark.thorough
def test_a_manifest_beside_the_data_gives_way_to_that_of_the_period(
    warehouse: Path, bucket: Path
) -> None:
    manifest = deliver_legacy(bucket, lines_of(OURS))
    copy = manifest.parent.parent / "hourly" / "year=2026" / "month=10" / manifest.name
    copy.parent.mkdir(parents=True)
    described = json.loads(manifest.read_text()) | {"assemblyId": "stale", "reportKeys": []}
    copy.write_text(json.dumps(described))

    assert aws_cur.load(warehouse, str(bucket)).rows == 1
    assert aws_cur.load(warehouse, str(bucket)).skipped == 1


@pytest.mark.thorough
def test_two_payers_with_one_name_of_a_report_never_replace_each_other(
    warehouse: Path, lake: LakeUrl, bucket: Path, tmp_path: Path
) -> None:
    early, late = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    deliver_legacy(bucket / OURS, lines_of(OURS, 2), assembly="ours", written=late)
    # Older than what has landed under its name: it is another payer's all the same.
    deliver_legacy(bucket / THEIRS, lines_of(THEIRS), assembly="theirs", written=early)
    keep_nothing = aws_cur.Policy(keep=0)

    for location in (warehouse, lake):
        for _ in range(2):
            aws_cur.load(location, str(bucket), policy=keep_nothing)

    copy = copied(Path(lake.url), tmp_path / "copy.duckdb")
    for place in (warehouse, copy):
        assert rows(place, SERVING) == [("ours", OURS, 2), ("theirs", THEIRS, 1)]
        assert len(content(place, "raw_aws_cur")["line_items"]) == 3


@pytest.mark.thorough
def test_a_report_may_change_its_payer_between_two_months(warehouse: Path, bucket: Path) -> None:
    deliver_legacy(bucket, lines_of(OURS), period="20260901-20261001", assembly="september")
    deliver_legacy(bucket, lines_of(THEIRS), assembly="october")

    assert aws_cur.load(warehouse, str(bucket)).landed == 2
    assert rows(warehouse, SERVING) == [("october", THEIRS, 1), ("september", OURS, 1)]


def test_a_payer_that_joins_a_delivery_does_not_make_it_another_one(
    warehouse: Path, bucket: Path
) -> None:
    early, late = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    deliver_legacy(bucket, lines_of(THEIRS), assembly="first", written=early)
    aws_cur.load(warehouse, str(bucket))
    both = text_of([charge(bill__PayerAccountId=payer) for payer in (OURS, THEIRS)])
    deliver_legacy(bucket, both, assembly="second", written=late)

    aws_cur.load(warehouse, str(bucket))

    assert rows(warehouse, SERVING) == [("first", THEIRS, 1), ("second", THEIRS, 2)]


@pytest.mark.thorough
def test_data_without_its_manifest_says_what_replicates_it(warehouse: Path, bucket: Path) -> None:
    deliver_cur2(bucket / "theirs", cur2_table())
    drop_manifests(bucket)
    with pytest.raises(InfraspendError, match=r"holds no delivery .*replication rule"):
        aws_cur.load(warehouse, str(bucket))
    deliver_legacy(bucket, lines_of(OURS))

    with pytest.raises(InfraspendError) as raised:
        aws_cur.load(warehouse, str(bucket))

    said = str(raised.value)
    assert "theirs/prefix/export has data of export for 2026-10 and no manifest" in said
    assert "prefix cover the whole of the report's folder, its metadata too" in said
    assert "--without-manifest" in said
    assert rows(warehouse, "select report from raw_aws_cur.assemblies") == [("hourly",)]


@pytest.mark.thorough
def test_without_a_manifest_the_folder_written_last_is_current(
    warehouse: Path, bucket: Path
) -> None:
    deliver_cur2(bucket, cur2_table(2), execution="execution-1")
    age(bucket, 48)
    deliver_cur2(bucket / "new", cur2_table(3), cur2_table(1), execution="execution-0")
    age(bucket / "new", 24)
    new = next((bucket / "new").rglob("execution-0"))
    new.rename(next(bucket.rglob("execution-1")).parent / "execution-0")
    drop_manifests(bucket)

    assert aws_cur.load(warehouse, str(bucket), policy=WITHOUT).rows == 4
    assert aws_cur.load(warehouse, str(bucket), policy=WITHOUT).skipped == 1
    assert rows(warehouse, "select report, format from raw_aws_cur.assemblies") == [
        ("export", "cur2_parquet")
    ]


@pytest.mark.thorough
def test_without_a_manifest_each_payer_of_an_aggregated_bucket_lands(
    warehouse: Path, bucket: Path
) -> None:
    for payer in (OURS, THEIRS):
        deliver_legacy(bucket / payer, lines_of(payer))
    drop_manifests(bucket)
    age(bucket)

    assert aws_cur.load(warehouse, str(bucket), policy=WITHOUT).landed == 2
    assert {payer for _, payer, _ in rows(warehouse, SERVING)} == {OURS, THEIRS}


@pytest.mark.thorough
def test_without_a_manifest_what_was_just_written_is_pending(warehouse: Path, bucket: Path) -> None:
    deliver_legacy(bucket, lines_of(OURS))
    drop_manifests(bucket)

    assert aws_cur.load(warehouse, str(bucket), policy=WITHOUT).pending == 1
    age(bucket, 2)
    assert aws_cur.load(warehouse, str(bucket), policy=WITHOUT).landed == 1


@pytest.mark.thorough
def test_parts_of_a_longer_delivery_of_before_are_reported(warehouse: Path, bucket: Path) -> None:
    deliver_legacy(bucket, lines_of(OURS), lines_of(OURS), overwrite=True)
    drop_manifests(bucket)
    age(bucket, 48)
    newest = next(bucket.rglob("hourly-1.csv.gz"))
    written = datetime.now(UTC).timestamp() - 24 * 3600
    os.utime(newest, (written, written))
    said: list[str] = []

    loaded = aws_cur.load(warehouse, str(bucket), policy=WITHOUT, progress=said.append)

    assert loaded.rows == 2
    (warning,) = [message for message in said if "warning" in message]
    assert "hourly-2.csv.gz may be left of an earlier delivery" in warning
    assert "hourly-1.csv.gz" not in warning


@pytest.mark.thorough
def test_the_command_reads_data_without_its_manifest(warehouse: Path, bucket: Path) -> None:
    deliver_legacy(bucket, lines_of(OURS))
    drop_manifests(bucket)
    age(bucket)
    command = ("load", "aws-cur", "--from", bucket, "--warehouse", warehouse)

    assert run(*command, cwd=bucket).returncode == 1
    assert run(*command, "--without-manifest", cwd=bucket).returncode == 0
    assert rows(warehouse, "select line_count from raw_aws_cur.assemblies") == [(1,)]
