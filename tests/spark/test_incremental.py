"""What a build on Spark makes again, and what it leaves alone.

These come after test_engines_agree.py, which looks at what the first build made.
"""

from collections.abc import Iterable
from pathlib import Path

import duckdb

from infraspend.loaders.warehouse import LakeUrl
from tests.spark.comparison import differences_of_engines, files_of_months
from tests.spark.conftest import Company, build_on_spark
from tests.spark.plans import plans_of

LARGE = ("int_charges_priced", "int_charges_labelled", "int_charges_true_cost", "enriched_spend")
"""The way of the money, whose rows grow with the bill."""


def test_what_changed_is_made_again_and_the_marts_are_those_of_a_full_build(
    later: Company, connection: duckdb.DuckDBPyConnection
) -> None:
    assert (later.on_duckdb.succeeded, later.on_duckdb.failures) == (True, ())
    assert (later.on_spark.succeeded, later.on_spark.failures) == (True, ())
    assert differences_of_engines(connection, later.spark_tables) == []


def test_months_in_which_nothing_changed_are_left_alone(later: Company) -> None:
    after = files_of_months(later.spark_tables)
    kept = {file: time for file, time in after.items() if later.files.get(file) == time}
    assert months_of(kept, "int_charges_priced") == {"2026-09"}
    assert months_of(kept, "int_schedule_calendar") == {"2026-09"}
    assert months_of(kept, "enriched_spend") == {"2026-09"}
    assert months_of(kept, "focus_charges") == {"2026-09"}
    changed = after.keys() - kept.keys()
    assert months_of(changed, "enriched_spend") == {"2026-10", "2026-11"}
    assert not any("2026-09" in file.parent.name for file in changed)


def test_nothing_large_is_joined_with_everything(later: Company) -> None:
    """Not even where nothing is small enough to be sent to everybody."""
    for model, plan in plans_of(later.warehouse, LARGE, nothing_is_small=True).items():
        joins = {operator.name for operator in plan.walk() if operator.name.endswith("Join")}
        assert any(operator.name == "FileScan" for operator in plan.walk()), model
        assert joins <= {"SortMergeJoin"}, model
        assert "CartesianProduct" not in {operator.name for operator in plan.walk()}, model


def test_lines_are_summed_before_they_are_shuffled_and_only_months_that_changed_are_read(
    later: Company,
) -> None:
    plans = plans_of(later.warehouse, LARGE)
    priced = plans["int_charges_priced"]
    shuffles = [operator for operator in priced.walk() if operator.name == "Exchange"]
    assert not any(shuffle.has_rows_of("line_items") for shuffle in shuffles)
    assert sum(shuffle.reads("line_items") for shuffle in shuffles) == 1
    scans = [operator for operator in priced.walk() if operator.is_scan_of("line_items")]
    assert len(scans) == 1
    assert "2026-10" in scans[0].partitions
    (charges,) = (
        operator
        for operator in plans["enriched_spend"].walk()
        if operator.is_scan_of("int_platform_charges")
    )
    assert "2026-10" in charges.partitions
    assert "2026-09" not in scans[0].partitions + charges.partitions


def test_a_build_without_changes_leaves_every_month_alone(later: Company) -> None:
    """The last one: the plans above are those of the build before it."""
    lake = files_of_lake(later.lake)
    before = files_of_months(later.spark_tables)
    again = build_on_spark(later.warehouse, later.lake)
    assert (again.succeeded, again.failures) == (True, ())
    assert files_of_months(later.spark_tables) == before
    assert files_of_lake(later.lake) == lake


def files_of_lake(lake: LakeUrl) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in Path(lake.url).rglob("*")}


def months_of(files: Iterable[Path], table: str) -> set[str]:
    """The months that some of these files hold rows of a table of."""
    return {
        file.parent.name.partition("=")[2] for file in files if file.parent.parent.name == table
    }
