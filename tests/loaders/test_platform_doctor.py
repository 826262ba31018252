"""The doctor shows a platform's owner what a file lacks, row by row, before it is published."""

import gzip
from pathlib import Path

import pytest

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.findings import Level
from infraspend.loaders.platforms.diagnosis import diagnose
from tests.loaders.s3_server import BUCKET, FaultyS3

PLATFORMS = """platform,sub_platform,schedule_source,cost_model,pool_by,owner,valid_from
spark,jobs,pushed,usage,sub_platform,web,
spark,notebooks,ready_made,usage,sub_platform,web,
k8s,blue,kubernetes,cpu,,web,
flaw,jobs,pushed,cpu,nodes,nobody,2026-11-02
"""
RESOURCES = """platform,sub_platform,lyft_label
spark,jobs,spark
k8s,blue,blue
flaw,jobs,flaw
"""
OWNERS = """lyft_label,team
Api,web
"""
GOOD = """usage_hour,platform,sub_platform,lyft_label,usage
2026-11-01T00:00:00Z,spark,jobs,api,1
2026-11-01T00:00:00Z,spark,jobs,free,2
2026-11-01T03:00:00Z,spark,jobs,web,1
"""
BAD = """usage_hour,platform,sub_platform,capacity_pool,lyft_label,usage
2026-11-01T00:00:00Z,spark,jobs,large,api,1
2026-11-01T01:30:00Z,spark,jobs,large,api,1
2026-11-01T02:00:00Z,spark,jobs,large,unlabeled,1
2026-11-01T02:00:00Z,spark,jobs,large,api,-1
2026-11-01T03:00:00Z,spark,else,large,api,1
"""
SHARES = """usage_hour,platform,sub_platform,lyft_label,proportion
2026-11-01T00:00:00Z,spark,jobs,api,0.5
2026-11-01T01:00:00Z,spark,jobs,api,1
"""


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "platforms.csv").write_text(PLATFORMS)
    (folder / "platform_resources.csv").write_text(RESOURCES)
    (folder / "label_owners.csv").write_text(OWNERS)
    (folder / "teams.csv").write_text("team,org,contact\nweb,product,web@example.com\n")
    return folder


def said(platform: str, source: Path | str, seeds: Path) -> list[str]:
    return [str(finding) for finding in diagnose(platform, str(source), seeds)]


def published(tmp_path: Path, content: str, name: str = "spark/usage.csv") -> Path:
    file = tmp_path / "files" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return tmp_path / "files"


def test_a_good_file_is_good_and_its_gaps_and_owners_are_reported(
    tmp_path: Path, seeds: Path
) -> None:
    assert said("spark", published(tmp_path, GOOD), seeds) == [
        f"good  spark: is declared in {seeds}/platforms.csv, with jobs, notebooks",
        "error  spark: notebooks: platform_resources.csv has no row for it, so that it would split"
        " nothing: add the label that its charges carry",
        "good  usage.csv: 3 rows of usage would land",
        "good  spark: jobs: 2 hours from 2026-11-01 00:00:00 to 2026-11-01 03:00:00, 3 labels",
        "note  spark: jobs: 2 hours are missing in between, the first 2 from 2026-11-01 01:00:00:"
        " they are filled in as far as interpolate_hours and carry_hours allow",
        "note  spark: jobs: label_owners.csv gives nobody web: the spend would be unassigned",
    ]


def test_every_bad_row_is_named_with_its_reason(tmp_path: Path, seeds: Path) -> None:
    assert said("spark", published(tmp_path, BAD), seeds)[2:] == [
        "error  usage.csv: row 2: usage_hour is no whole hour of UTC",
        "error  usage.csv: row 3: lyft_label is reserved: unlabeled",
        "error  usage.csv: row 4: usage is negative: -1",
        "error  usage.csv: 2 hours would be refused",
        "good  usage.csv: 2 rows of usage would land",
        "good  spark: else: 1 hours from 2026-11-01 03:00:00 to 2026-11-01 03:00:00, 1 labels",
        "error  spark: else: platforms.csv has no row for it, so that it would not count",
        "note  spark: else: has capacity pools (large), and platforms.csv splits it as a whole:"
        " they are added up",
        "good  spark: jobs: 1 hours from 2026-11-01 00:00:00 to 2026-11-01 00:00:00, 1 labels",
        "note  spark: jobs: has capacity pools (large), and platforms.csv splits it as a whole:"
        " they are added up",
    ]


def test_a_schedule_that_is_not_one_or_not_asked_for_is_reported(
    tmp_path: Path, seeds: Path
) -> None:
    assert said("spark", published(tmp_path, SHARES), seeds)[2:] == [
        "error  usage.csv: jobs, 2026-11-01 00:00:00: proportions add up to 0.5000000000 and not to"
        " 1",
        "error  usage.csv: 1 hours would be refused",
        "good  usage.csv: 1 rows of schedule would land",
        "good  spark: jobs: 1 hours from 2026-11-01 01:00:00 to 2026-11-01 01:00:00, 1 labels",
        "error  spark: jobs: the files hold proportions, and platforms.csv says pushed: only"
        " ready_made would count them",
    ]


def test_a_single_file_and_a_file_that_is_none(tmp_path: Path, seeds: Path) -> None:
    single = published(tmp_path, GOOD) / "spark" / "usage.csv"
    assert said("spark", single, seeds)[2] == "good  usage.csv: 3 rows of usage would land"
    findings = diagnose("spark", str(published(tmp_path, "a,b\n1,2\n")), seeds)
    assert [finding.level for finding in findings[2:]] == [Level.ERROR]
    assert "has no column usage_hour" in findings[2].text


def test_a_platform_that_nobody_declared_and_files_that_are_not_there(
    tmp_path: Path, seeds: Path
) -> None:
    root = published(tmp_path, GOOD.replace("spark", "flink"), "flink/usage.csv")
    assert said("flink", root, seeds)[0] == (
        f"error  flink: {seeds}/platforms.csv has no row for it: add one per sub-platform"
    )
    with pytest.raises(InfraspendError, match="holds nothing of spark"):
        diagnose("spark", str(root), seeds)
    with pytest.raises(InfraspendError, match=r"platforms\.csv cannot be read"):
        diagnose("spark", str(root), tmp_path)


def test_a_declaration_that_the_build_would_refuse_is_reported(tmp_path: Path, seeds: Path) -> None:
    root = published(tmp_path, GOOD.replace("spark", "flaw"), "flaw/usage.csv")
    assert [line for line in said("flaw", root, seeds) if line.startswith("error")] == [
        "error  flaw: jobs: platforms.csv says cost_model cpu; what is pushed goes by usage, even,"
        " fixed",
        "error  flaw: jobs: platforms.csv says pool_by nodes; it may be instance_type, node,"
        " sub_platform",
        "error  flaw: jobs: its owner nobody is not in teams.csv",
        "error  flaw: jobs: 2 hours, the first 2026-11-01 00:00:00, are outside of valid_from and"
        " valid_until in platforms.csv, so that they would not count",
    ]


def test_a_cluster_is_tracked_and_not_published(tmp_path: Path, seeds: Path) -> None:
    assert said("k8s", tmp_path, seeds) == [
        f"good  k8s: is declared in {seeds}/platforms.csv, with blue",
        "good  k8s: is tracked: its owner has nothing to publish",
    ]


def test_a_damaged_seed_is_named(tmp_path: Path, seeds: Path) -> None:
    root = published(tmp_path, GOOD)
    (seeds / "platform_resources.csv").write_text("platform,sub_platfrom\nspark,jobs\n")
    with pytest.raises(InfraspendError, match="has no column sub_platform"):
        diagnose("spark", str(root), seeds)
    (seeds / "platform_resources.csv").write_bytes(b"platform,sub_platform\nspark,caf\xe9\n")
    with pytest.raises(InfraspendError, match="is not written in UTF-8"):
        diagnose("spark", str(root), seeds)


RAGGED = """usage_hour,platform,sub_platform,lyft_label,usage,unit
2026-11-01T00:00:00Z,spark,jobs,api,1,core-hours
2026-11-01T01:00:00Z,spark,jobs,api

noon,spark,jobs,api,1,core-hours
,spark,jobs,api,1,core-hours
2026-11-01T02:00:00Z,spark,jobs,api,-1,core-hours
2026-11-01T03:00:00Z,spark,jobs,api,1,core-hours,more
2026-11-01T04:00:00Z,spark,jobs,api,1,query-seconds
"""


@pytest.mark.parametrize("name", ["usage.csv", "usage.csv.gz"])
def test_ragged_rows_and_unreadable_times_stop_nothing(
    tmp_path: Path, seeds: Path, name: str
) -> None:
    root = published(tmp_path, RAGGED)
    if name.endswith(".gz"):
        file = root / "spark" / "usage.csv"
        (root / "spark" / name).write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()

    assert said("spark", root, seeds)[2:9] == [
        f"error  {name}: row 2: 4 cells where the header has 6",
        f"error  {name}: row 3: usage_hour is no time: noon",
        f"error  {name}: row 4: usage_hour is no time: it is missing",
        f"error  {name}: row 5: usage is negative: -1",
        f"error  {name}: row 6: 7 cells where the header has 6",
        f"error  {name}: 1 hours would be refused",
        f"good  {name}: 2 rows of usage would land",
    ]


def test_a_change_of_unit_is_noted_and_two_units_in_an_hour_are_refused(
    tmp_path: Path, seeds: Path
) -> None:
    messages = said("spark", published(tmp_path, RAGGED), seeds)
    assert (
        "note  spark: jobs: pool all is in query-seconds from 2026-11-01 04:00:00 on, and was in"
        " core-hours"
    ) in messages
    mixed = RAGGED.splitlines(keepends=True)[0] + (
        "2026-11-01T00:00:00Z,spark,jobs,api,5,core-hours\n"
        "2026-11-01T00:00:00Z,spark,jobs,web,5,query-seconds\n"
    )
    assert said("spark", published(tmp_path, mixed), seeds)[2:4] == [
        "error  usage.csv: jobs, 2026-11-01 00:00:00: usage is in several units: core-hours,"
        " query-seconds: publish it in one",
        "error  usage.csv: 1 hours would be refused",
    ]


def test_files_that_are_passed_over_are_named(tmp_path: Path, seeds: Path) -> None:
    root = published(tmp_path, GOOD)
    for name in ("spark/2026/october.xlsx", "spark/.hidden", "else/usage.xlsx"):
        published(tmp_path, "", name)

    messages = [line for line in said("spark", root, seeds) if "passed over" in line]
    assert messages == [
        "note  spark/2026/october.xlsx: is passed over: what is published ends in .csv, .csv.gz,"
        " .jsonl, .parquet"
    ]
    (root / "spark" / "usage.csv").unlink()
    assert [line for line in said("spark", root, seeds) if "passed over" in line] == messages


def test_files_of_a_bucket_that_are_passed_over_are_named(
    tmp_path: Path, seeds: Path, s3: FaultyS3
) -> None:
    file = published(tmp_path, GOOD) / "spark" / "usage.csv"
    file.with_name("usage.xlsx").write_text(GOOD)
    s3.sync(tmp_path)

    messages = [line for line in said("spark", f"s3://{BUCKET}/files", seeds) if "usage" in line]
    assert messages[:2] == [
        "note  spark/usage.xlsx: is passed over: what is published ends in .csv, .csv.gz, .jsonl,"
        " .parquet",
        "good  usage.csv: 3 rows of usage would land",
    ]
