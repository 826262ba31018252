"""Landing what platform owners publish: every breach of the contract refuses its hour."""

import gzip
import json
import os
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from infraspend.loaders import platforms
from infraspend.loaders.errors import InfraspendError
from tests.command_line.process import run
from tests.loaders.bills import moment
from tests.loaders.queries import content, rows

USAGE = "usage_hour,platform,sub_platform,capacity_pool,lyft_label,usage,unit\n"
SCHEDULE = "usage_hour,platform,sub_platform,lyft_label,proportion\n"
HOUR = "2026-11-01T13:00:00Z"


def load(warehouse: Path, root: Path) -> tuple[int, int, int, int]:
    result = platforms.load(warehouse, str(root))
    return result.landed, result.skipped, result.rejected, result.rows


def publish(root: Path, name: str, text: str) -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_usage_lands_with_its_labels_in_one_spelling(warehouse: Path, bucket: Path) -> None:
    file = publish(
        bucket,
        "spark/2026 [11]/it's.csv",
        USAGE
        + f'{HOUR},spark,main,," Cafe\u0301\u00a0",1e-7,"task\nhours"\n'
        + "2026-11-01T15:00:00+02:00,spark,main,large,free,2.5,\n",
    )
    os.utime(file, (1793540000, 1793540000))

    assert load(warehouse, bucket) == (1, 0, 0, 2)
    assert rows(
        warehouse,
        "select usage_hour, capacity_pool, lyft_label, usage, unit from raw_platforms.usage"
        " order by usage",
    ) == [
        (moment("2026-11-01 13:00"), None, "caf\u00e9", Decimal("0.0000001"), "task\nhours"),
        (moment("2026-11-01 13:00"), "large", "free", Decimal("2.5"), None),
    ]
    assert rows(
        warehouse,
        "select file, kind, platform, delivered_at, rows from raw_platforms.deliveries",
    ) == [("spark/2026 [11]/it's.csv", "usage", "spark", moment("2026-11-01 13:33:20"), 2)]


def test_every_format_says_the_same(warehouse: Path, tmp_path: Path) -> None:
    text = SCHEDULE + f"{HOUR},ml,main,a,0.25\n{HOUR},ml,main,b,0.75\n"
    publish(tmp_path, "ml/schedule.csv", text)
    (tmp_path / "ml" / "schedule.csv.gz").write_bytes(gzip.compress(text.encode()))
    names = SCHEDULE.strip().split(",")
    lines = [
        dict(zip(names, [HOUR, "ml", "main", label, proportion], strict=True))
        for label, proportion in (("a", 0.25), ("b", 0.75))
    ]
    publish(tmp_path, "ml/schedule.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    duckdb.execute(
        f"copy (select * from read_csv('{tmp_path}/ml/schedule.csv'))"
        f" to '{tmp_path}/ml/schedule.parquet' (format parquet)"
    )

    assert load(warehouse, tmp_path) == (4, 0, 0, 8)
    assert rows(
        warehouse,
        "select usage_hour, lyft_label, proportion, count(distinct _delivery_id)"
        " from raw_platforms.schedules group by all order by lyft_label",
    ) == [
        (moment("2026-11-01 13:00"), "a", Decimal("0.25"), 4),
        (moment("2026-11-01 13:00"), "b", Decimal("0.75"), 4),
    ]


@pytest.mark.thorough
def test_a_file_lands_once_and_a_changed_one_again(warehouse: Path, tmp_path: Path) -> None:
    publish(tmp_path, "spark/usage.csv", USAGE + f"{HOUR},spark,main,,a,1,\n")
    load(warehouse, tmp_path)
    before = content(warehouse, "raw_platforms")

    assert load(warehouse, tmp_path) == (0, 1, 0, 0)
    assert content(warehouse, "raw_platforms") == before

    publish(tmp_path, "spark/usage.csv", USAGE + f"{HOUR},spark,main,,a,2,\n")
    assert load(warehouse, tmp_path) == (1, 0, 0, 1)


BREACHES = {
    "00:01Z,spark,main,,a,1,": "usage_hour is no whole hour of UTC",
    "00:00Z,shark,main,,a,1,": "platform is not the one whose folder the file is in",
    "00:00Z,spark,main,, ,1,": "lyft_label is missing",
    "00:00Z,spark,main,,Unlabeled,1,": "lyft_label is reserved: unlabeled",
    "00:00Z,spark,main,,a,,": "usage is missing",
    "00:00Z,spark,main,,a,-1,": "usage is negative: -1",
    "00:00Z,spark,main,,a,NaN,": "usage is no number: NaN",
    "00:00Z,spark,main,,a,inf,": "usage is no number: inf",
    "00:00Z,spark,main,, B,1,": "lyft_label is there twice: b",
    "00:00Z,spark,,,a,1,": "sub_platform is missing",
}


def test_a_row_that_breaks_the_contract_refuses_its_hour(warehouse: Path, tmp_path: Path) -> None:
    lines = [f"{HOUR},spark,main,,a,1,\n2999-01-01T00:00:00Z,spark,main,,a,1,\n"]
    lines.append("1970-01-01T00:00:00Z,spark,main,,a,1,\n")
    for hour, line in enumerate(BREACHES):
        lines.append(f"2026-11-02T{hour:02}:00:00Z,spark,main,,b,1,\n2026-11-02T{hour:02}:{line}\n")
    publish(tmp_path, "spark/usage.csv", USAGE + "".join(lines))

    load(warehouse, tmp_path)

    refused = rows(
        warehouse,
        "select usage_hour, row_number, reason, platform, sub_platform"
        " from raw_platforms.rejects order by usage_hour",
    )
    assert [reason for _, _, reason, _, _ in refused] == [
        "usage_hour lies before 2006, when there was no bill to split",
        *BREACHES.values(),
        "usage_hour lies in the future",
    ]
    assert refused[1][:2] == (moment("2026-11-02 00:00"), 5)
    assert refused[6] == (
        moment("2026-11-02 05:00"), 15, "usage is negative: -1", "spark", "main",
    )  # fmt: skip
    # The shark and the nameless are groups of their own: the rows beside them are good.
    assert rows(
        warehouse, "select usage_hour, lyft_label from raw_platforms.usage order by usage_hour"
    ) == [
        (moment("2026-11-01 13:00"), "a"),
        (moment("2026-11-02 01:00"), "b"),
        (moment("2026-11-02 09:00"), "b"),
    ]


def test_a_schedule_adds_up_to_one(warehouse: Path, tmp_path: Path) -> None:
    proportions = [(0.5, 0.4999991), (0.5, 0.499998), (1.2, 0), (-0.1, 1.1)]
    text = SCHEDULE + "".join(
        f"2026-11-01T{hour:02}:00:00Z,ml,main,{label},{proportion}\n"
        for hour, pair in enumerate(proportions)
        for label, proportion in zip("ab", pair, strict=True)
    )
    publish(tmp_path, "ml/schedule.csv", text)

    assert load(warehouse, tmp_path) == (1, 0, 3, 2)
    assert rows(
        warehouse, "select row_number, reason from raw_platforms.rejects order by usage_hour"
    ) == [
        (3, "proportions add up to 0.9999980000 and not to 1"),
        (5, "proportion is above 1: 1.2"),
        (7, "proportion is negative: -0.1"),
    ]


FAULTS = {
    "top.csv": (USAGE, "lies in no platform's folder"),
    "spark/columns.csv": ("usage_hour,usage\n", "has no column platform, sub_platform, lyft_label"),
    "spark/both.csv": (USAGE.strip() + ",proportion\n", "has both usage and proportion"),
    "spark/empty.csv": ("", "is empty"),
    "spark/ragged.csv": (USAGE + f"{HOUR},spark,main\n", "cannot be read"),
    "spark/hour.csv": (USAGE + "noon,spark,main,,a,1,\n", "row 1: usage_hour is no time"),
    "spark/cut.csv.gz": ("no gzip at all", "is damaged"),
    "spark/cut.parquet": ("no parquet at all", "cannot be read"),
    "spark/cut.jsonl": ('{"usage": ', "cannot be read"),
}


def test_unreadable_files_are_named_and_stop_only_themselves(
    warehouse: Path, tmp_path: Path
) -> None:
    publish(tmp_path, "spark/good.csv", USAGE + f"{HOUR},spark,main,,a,1,\n")
    for name, (text, _) in FAULTS.items():
        publish(tmp_path, name, text)

    with pytest.raises(InfraspendError) as raised:
        load(warehouse, tmp_path)

    reasons = dict(rows(warehouse, "select file, reason from raw_platforms.rejects"))
    for name, (_, said) in FAULTS.items():
        assert said in str(raised.value)
        assert said in reasons[str(tmp_path / name)]
    assert rows(warehouse, "select file from raw_platforms.deliveries") == [("spark/good.csv",)]


def test_nothing_published_says_what_was_looked_for(warehouse: Path, tmp_path: Path) -> None:
    with pytest.raises(InfraspendError, match=r"holds nothing that was published"):
        load(warehouse, tmp_path)


def test_an_hour_of_more_units_than_can_be_shared_out_is_refused(
    warehouse: Path, bucket: Path
) -> None:
    publish(
        bucket,
        "spark/bytes.csv",
        USAGE
        + f"{HOUR},spark,main,,a,600000000,bytes\n"
        + f"{HOUR},spark,main,,b,600000000,bytes\n"
        + "2026-11-01T14:00:00Z,spark,main,,a,1000000000,bytes\n",
    )

    assert load(warehouse, bucket) == (1, 0, 1, 1)
    assert rows(warehouse, "select row_number, reason from raw_platforms.rejects") == [
        (
            1,
            "usage adds up to 1200000000.0000000000, more than 1,000,000,000:"
            " publish it in a larger unit",
        )
    ]


TWO_UNITS = USAGE + (
    f"{HOUR},spark,main,,a,5,core-hours\n"
    f"{HOUR},spark,main,,b,5,query-seconds\n"
    "2026-11-01T14:00:00Z,spark,main,,a,5,core-hours\n"
    "2026-11-01T14:00:00Z,spark,main,,b,5,\n"
    # Another spelling is no other unit, and another pool may have another one.
    "2026-11-01T15:00:00Z,spark,main,large,a,5,core-hours\n"
    "2026-11-01T15:00:00Z,spark,main,large,b,5, Core-Hours\n"
    "2026-11-01T15:00:00Z,spark,main,small,b,5,query-seconds\n"
)


def test_an_hour_of_a_pool_in_two_units_is_refused(warehouse: Path, tmp_path: Path) -> None:
    file = publish(tmp_path, "spark/usage.csv", TWO_UNITS)

    result = platforms.load(warehouse, str(tmp_path))

    assert (result.rejected, result.rows) == (2, 3)
    assert result.refused == (
        f"{file}, row 1: spark: main, 2026-11-01 13:00:00: usage is in several units:"
        " core-hours, query-seconds: publish it in one",
        f"{file}, row 3: spark: main, 2026-11-01 14:00:00: usage is in several units:"
        " (none), core-hours: publish it in one",
    )
    assert rows(
        warehouse,
        "select usage_hour, capacity_pool, sum(usage) from raw_platforms.usage group by all"
        " order by all",
    ) == [
        (moment("2026-11-01 15:00"), "large", Decimal(10)),
        (moment("2026-11-01 15:00"), "small", Decimal(5)),
    ]


@pytest.mark.thorough
def test_a_unit_that_is_another_one_than_in_the_hours_before_is_noted(
    warehouse: Path, tmp_path: Path
) -> None:
    publish(
        tmp_path,
        "spark/first.csv",
        USAGE + f"{HOUR},spark,main,,a,5,core-hours\n{HOUR},spark,other,,a,5,core-hours\n",
    )
    assert platforms.load(warehouse, str(tmp_path)).notes == ()
    publish(
        tmp_path,
        "spark/second.csv",
        USAGE
        + "2026-11-01T14:00:00Z,spark,main,,a,5,\n"
        + "2026-11-01T15:00:00Z,spark,main,,a,5,seconds\n"
        + "2026-11-01T16:00:00Z,spark,main,,a,5,seconds\n"
        + "2026-11-01T16:00:00Z,spark,other,,a,5,Core-hours\n",
    )

    result = platforms.load(warehouse, str(tmp_path))

    assert (result.rejected, result.rows) == (0, 4)
    assert result.notes == (
        "spark/second.csv: spark: main (pool all) is in seconds from 2026-11-01 15:00:00 on, and"
        " was in core-hours",
    )
    publish(tmp_path, "spark/third.csv", USAGE + "2026-11-01T17:00:00Z,spark,main,,a,5,seconds\n")
    assert platforms.load(warehouse, str(tmp_path)).notes == ()


@pytest.mark.thorough
def test_refused_hours_are_shown_and_strict_fails(tmp_path: Path) -> None:
    file = publish(tmp_path, "files/spark/usage.csv", TWO_UNITS)
    command = ("load", "platforms", "--from", "files", "--warehouse", "w.duckdb")

    said = run(*command, cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    assert (
        f"refused: {file.resolve()}, row 1: spark: main, 2026-11-01 13:00:00: usage is in several"
        " units: core-hours, query-seconds: publish it in one\n" in said.stderr
    )
    assert said.stdout == (
        "load platforms: 1 file landed, 0 there already, 2 hours rejected\n"
        "load platforms: the table raw_platforms.rejects has them; correct the files and load them"
        " again\n"
    )

    strict = run(*command[:-1], "strict.duckdb", "--strict", cwd=tmp_path)
    assert strict.returncode == 1
    assert strict.stderr.endswith("error: 2 hours were refused (--strict); the rest is in\n")
    file.write_text(USAGE + f"{HOUR},spark,main,,a,5,core-hours\n")
    mended = run(*command[:-1], "strict.duckdb", "--strict", cwd=tmp_path)
    assert mended.returncode == 0, mended.stderr
