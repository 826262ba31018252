"""Loading from a bucket: the same as from a directory, through whatever the network does."""

import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from infraspend.loaders import aws_cur, kubernetes, platforms
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.kubernetes.collection import ARCHIVE, pack
from infraspend.loaders.kubernetes.shipping import Shipment
from infraspend.loaders.open_location import open_bucket
from tests.loaders.bills import charge, cur2_table, deliver_cur2, deliver_legacy, text_of
from tests.loaders.collections import collect
from tests.loaders.queries import content, rows
from tests.loaders.s3_server import (
    BUCKET,
    HARMLESS,
    Answer,
    FaultyS3,
    damaged,
    environment,
    unavailable,
)
from tests.workspaces import Workspace

URL = f"s3://{BUCKET}"


def good(lines: int = 1) -> bytes:
    return text_of([charge()] * lines)


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("deliveries")
    deliver_legacy(directory, good(), good(2))
    deliver_cur2(directory, cur2_table(3), period="2026-09")
    return directory


@pytest.fixture(scope="module")
def from_directory(
    deliveries: Path, empty_warehouse: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[tuple[object, ...]]]:
    warehouse = tmp_path_factory.mktemp("clean") / "infraspend.duckdb"
    shutil.copy(empty_warehouse, warehouse)
    aws_cur.load(warehouse, str(deliveries))
    return lines_of(warehouse)


def lines_of(warehouse: Path) -> dict[str, list[tuple[object, ...]]]:
    found = content(warehouse, "raw_aws_cur")
    return {name: found[name] for name in ("line_items", "control_totals", "summaries")}


def test_a_bucket_lands_like_a_directory(
    warehouse: Path,
    deliveries: Path,
    s3: FaultyS3,
    from_directory: dict[str, list[tuple[object, ...]]],
) -> None:
    s3.sync(deliveries)

    result = aws_cur.load(warehouse, URL)

    assert (result.landed, result.rows) == (2, 6)
    assert lines_of(warehouse) == from_directory


def test_nothing_new_downloads_no_data(warehouse: Path, deliveries: Path, s3: FaultyS3) -> None:
    s3.sync(deliveries)
    aws_cur.load(warehouse, f"{URL}/prefix")
    s3.downloads()

    assert aws_cur.load(warehouse, f"{URL}/prefix").skipped == 2

    assert all(path.endswith("-Manifest.json") for path in s3.downloads())


@pytest.mark.thorough
@pytest.mark.parametrize("fault", HARMLESS)
def test_a_network_that_recovers_changes_nothing(
    warehouse: Path,
    deliveries: Path,
    s3: FaultyS3,
    from_directory: dict[str, list[tuple[object, ...]]],
    fault: object,
) -> None:
    s3.sync(deliveries)
    s3.faults = [("hourly-1.csv.gz", fault), (".parquet", fault)]

    aws_cur.load(warehouse, URL)

    assert not s3.faults
    assert lines_of(warehouse) == from_directory


@pytest.mark.thorough
def test_bytes_that_stay_wrong_are_named_and_do_not_land(
    warehouse: Path, deliveries: Path, s3: FaultyS3
) -> None:
    s3.sync(deliveries)
    s3.faults = [(".parquet", damaged)] * 4

    with pytest.raises(InfraspendError, match=r"s3://bucket/.*\.parquet is damaged"):
        aws_cur.load(warehouse, URL)

    assert rows(warehouse, "select distinct report from raw_aws_cur.assemblies") == [("hourly",)]


def short_and_sure(answer: Answer) -> None:
    """Half of the body, which says that it is all."""
    handler, half = answer.handler, answer.body[: len(answer.body) // 2]
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(half)))
    # As of an object whose ETag is no sum of its bytes.
    handler.send_header("x-amz-server-side-encryption", "aws:kms")
    handler.end_headers()
    handler.wfile.write(half)
    answer.is_sent = True


def test_a_body_that_is_short_without_a_word_is_not_believed(tmp_path: Path, s3: FaultyS3) -> None:
    s3.client.put_object(Bucket=BUCKET, Key="report", Body=b"0123456789" * 100)
    bucket = open_bucket(URL)
    file = bucket.stat("report")

    s3.faults = [("report", short_and_sure)]
    bucket.fetch(file, tmp_path / "whole")
    assert not s3.faults
    assert (tmp_path / "whole").read_bytes() == b"0123456789" * 100

    s3.faults = [("report", short_and_sure)] * 4
    with pytest.raises(InfraspendError, match=r"report is damaged \(500 of 1000 bytes came\)"):
        bucket.fetch(file, tmp_path / "half")


@pytest.mark.thorough
def test_a_part_replaced_between_looking_and_reading_starts_over(
    warehouse: Path, bucket: Path, s3: FaultyS3
) -> None:
    deliver_legacy(bucket, good(), good(2), overwrite=True)
    s3.sync(bucket)
    deliver_legacy(bucket, good(3), good(4), overwrite=True, assembly="assembly-2")

    def replace(_answer: Answer) -> None:
        s3.sync(bucket)

    # While the first part is on its way, AWS overwrites the report.
    s3.faults = [("hourly-1.csv.gz", replace)]

    assert aws_cur.load(warehouse, URL).rows == 7
    assert rows(
        warehouse, "select _assembly_id, count(*) from raw_aws_cur.line_items group by all"
    ) == [("assembly-2", 7)]


@pytest.mark.thorough
def test_an_object_of_many_parts_is_checked_part_by_part(
    warehouse: Path, bucket: Path, s3: FaultyS3
) -> None:
    lines = [
        charge(lineItem__LineItemDescription=os.urandom(1 << 19).hex()) for _number in range(12)
    ]
    deliver_legacy(bucket, text_of(lines))
    (file,) = bucket.rglob("*.csv.gz")
    s3.sync(bucket)
    key = file.relative_to(bucket).as_posix()
    upload = s3.client.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    body = io.BytesIO(file.read_bytes())
    parts = []
    for number, size in ((1, 5 << 20), (2, -1)):
        part = s3.client.upload_part(
            Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=number, Body=body.read(size)
        )
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    s3.client.complete_multipart_upload(
        Bucket=BUCKET, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
    )
    s3.faults = [("hourly-1.csv.gz", damaged)]

    assert aws_cur.load(warehouse, URL).rows == 12
    assert not s3.faults


@pytest.mark.thorough
def test_a_listing_may_have_many_pages(warehouse: Path, bucket: Path, s3: FaultyS3) -> None:
    deliver_legacy(bucket / "z", good())
    s3.sync(bucket)
    store = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    for number in range(1001):
        store.put_object(BUCKET, f"a/{number}", b"")

    # The manifest speaks of prefix/..., and lies under z/, on the second page.
    assert aws_cur.load(warehouse, URL).rows == 1


@pytest.mark.usefixtures("s3")
def test_a_refusal_says_what_to_check(warehouse: Path) -> None:
    with pytest.raises(InfraspendError, match=r"s3://nobody/ cannot be read \(NoSuchBucket\)"):
        aws_cur.load(warehouse, "s3://nobody")
    with pytest.raises(InfraspendError, match="credentials come from AWS's own"):
        aws_cur.load(warehouse, "s3://AKIACANARY:canary@bucket/prefix")


@pytest.mark.thorough
def test_a_server_that_stays_away_fails_in_one_line(
    warehouse: Path, deliveries: Path, s3: FaultyS3
) -> None:
    s3.sync(deliveries)
    s3.faults = [("/bucket", unavailable)] * 9

    with pytest.raises(InfraspendError, match=r"s3://bucket/ cannot be read \(SlowDown\)"):
        aws_cur.load(warehouse, URL)


@pytest.mark.thorough
def test_collections_and_published_files_are_read_from_a_bucket_too(
    warehouse: Path, bucket: Path, s3: FaultyS3
) -> None:
    published = bucket / "spark"
    published.mkdir()
    (published / "usage.csv").write_text(
        "usage_hour,platform,sub_platform,lyft_label,usage\n2026-10-03 05:00,spark,main,api,1.5\n"
    )
    s3.sync(bucket)

    assert platforms.load(warehouse, URL).rows == 1
    assert platforms.load(warehouse, URL).skipped == 1
    with pytest.raises(InfraspendError, match="holds no collection"):
        kubernetes.load(warehouse, URL)


@pytest.mark.thorough
def test_a_load_of_collections_costs_what_is_new(
    warehouse: Path, tmp_path: Path, s3: FaultyS3
) -> None:
    shipment = Shipment(tmp_path, open_bucket(URL))
    for number in range(15):
        shipment.send(collect(tmp_path, cluster=f"cluster-{number}"))
    s3.downloads()

    assert kubernetes.load(warehouse, URL).landed == 15
    assert len(s3.downloads()) == 15
    assert kubernetes.load(warehouse, URL).skipped == 15
    assert s3.downloads() == []

    shipment.send(collect(tmp_path, cluster="cluster-3", collected_at="2026-11-03T00:00:00Z"))
    result = kubernetes.load(warehouse, URL)
    assert (result.landed, result.skipped) == (1, 14)
    assert len(s3.downloads()) == 1
    assert rows(warehouse, "select count(*) from raw_kubernetes.collections") == [(16,)]
    assert rows(warehouse, "select count(*) from raw_kubernetes.container_hours") == [(16,)]


@pytest.mark.thorough
def test_collections_of_several_objects_land_once_however_they_lie(
    warehouse: Path, tmp_path: Path, s3: FaultyS3
) -> None:
    """As earlier versions wrote them, and then the same in one object elsewhere."""
    directory = collect(tmp_path)
    s3.sync(tmp_path)
    s3.downloads()

    assert kubernetes.load(warehouse, URL).landed == 1
    # The index and six tables.
    assert len(s3.downloads()) == 7
    Shipment(tmp_path, open_bucket(f"{URL}/again")).send(directory)
    result = kubernetes.load(warehouse, URL)
    assert (result.landed, result.skipped) == (0, 2)
    assert rows(warehouse, "select count(*) from raw_kubernetes.container_hours") == [(1,)]


def lose_the_index(archive: Path) -> None:
    with ZipFile(archive, "w") as packed:
        packed.writestr("pods.parquet", b"")


def change_a_table(archive: Path) -> None:
    with ZipFile(archive) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    with ZipFile(archive, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, files["namespaces.parquet"] if name == "pods.parquet" else data)


def cut_it_short(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-100])


def flip_a_bit(archive: Path) -> None:
    data = bytearray(archive.read_bytes())
    data[data.index(b"PAR1") + 20] ^= 1
    archive.write_bytes(data)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lose_the_index, "collection.zip has no collection.json"),
        (change_a_table, "pods.parquet is not the file that was collected"),
        (cut_it_short, "collection.zip is no collection"),
        (flip_a_bit, "collection.zip is no collection"),
    ],
)
def test_a_bad_object_is_named_and_stops_only_itself(
    warehouse: Path, tmp_path: Path, spoil: Callable[[Path], None], says: str
) -> None:
    for cluster in ("good", "spoiled"):
        pack(collect(tmp_path / "collected", cluster=cluster), tmp_path / f"{cluster}.zip")
        folder = tmp_path / "bucket" / f"cluster={cluster}"
        folder.mkdir(parents=True)
        (tmp_path / f"{cluster}.zip").rename(folder / ARCHIVE)
    spoil(folder / ARCHIVE)

    with pytest.raises(InfraspendError, match=says):
        kubernetes.load(warehouse, str(tmp_path / "bucket"))

    assert rows(warehouse, "select cluster from raw_kubernetes.container_hours") == [("good",)]
    ((file,),) = rows(warehouse, "select file from raw_kubernetes.rejects")
    assert file.endswith("cluster=spoiled/collection.zip")


def test_no_secret_is_written_anywhere(
    warehouse: Path, deliveries: Path, s3: FaultyS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.sync(deliveries)
    said = []
    s3.faults = [(".parquet", damaged)] * 4
    with pytest.raises(InfraspendError) as raised:
        aws_cur.load(warehouse, URL, progress=said.append)
    said.append(str(raised.value))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://user:canary-password@127.0.0.1:1")
    with pytest.raises(InfraspendError) as raised:
        aws_cur.load(warehouse, URL, progress=said.append)
    said.append(str(raised.value))

    secrets = ["AKIACANARYCANARYXXXX", "canary-secret", "canary-token", "canary-password"]
    assert environment("")["AWS_ACCESS_KEY_ID"] in secrets
    written = [file.read_bytes() for file in warehouse.parent.rglob("*") if file.is_file()]
    for secret in secrets:
        assert not any(secret in line for line in said)
        assert not any(secret.encode() in data for data in written)


@pytest.mark.thorough
@pytest.mark.usefixtures("s3")
def test_a_build_writes_no_secret_of_the_environment_either(
    fresh: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://user:canary-password@127.0.0.1:1")

    assert fresh.build().succeeded

    written = {path.name: path.read_bytes() for path in fresh.root.rglob("*") if path.is_file()}
    assert {"manifest.json", "run_results.json", "dbt.log"} <= written.keys()
    for name, data in written.items():
        for secret in (b"AKIACANARY", b"canary-secret", b"canary-token", b"canary-password"):
            assert secret not in data, name
