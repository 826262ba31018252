"""The generic tests bite: each passes on rows that are right and fails on rows that are not.

A dbt project with nothing but our generic tests is run over tables of a few rows, one per
case, first with good rows and then with broken ones.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from infraspend.builder.dbt import DbtSetting, run_dbt
from infraspend.loaders.result import silent
from tests.end_to_end.companies import ROOT

HOURS = "(values ('blue', timestamp '2026-11-01 00:00'), ('blue', timestamp '2026-11-01 01:00'))"


@dataclass(frozen=True)
class Case:
    """A generic test on one table.

    Attributes:
        test: The generic test.
        arguments: Its arguments.
        good: A query for rows that it accepts.
        broken: A query for rows that it must not accept.
        column: The column that the test is put on, if it is not put on the table.
    """

    test: str
    arguments: dict[str, Any]
    good: str
    broken: str
    column: str | None = None


def rows(columns: str, *values: str) -> str:
    """A query for rows of literals."""
    return f"select * from (values {', '.join(f'({row})' for row in values)}) as t({columns})"


PAIR = {"columns": ["hour", "label"], "nullable": ["label"]}
WHOLE = {"column": "proportion", "total": 1, "by": ["hour"]}
SAME = {"column": "spend", "of": "source('cases', 'there')", "of_column": "cost", "by": ["label"]}
RENAMED = SAME | {"by": ["hour", "source_label"], "of_by": ["hour", "label"]}
CALENDAR = {"calendar": "source('cases', 'calendar')", "by": ["cluster"]}
SPANS = {"by": ["label"], "from": "since", "until": "until"}
NOON = "timestamp '2026-11-01 12:00'"

CASES = {
    "a_row_twice": Case(
        "one_row_per", PAIR, rows("hour, label", "1, 'a'", "1, 'b'"),
        rows("hour, label", "1, 'a'", "1, 'a'"),
    ),
    "a_row_without_a_label_twice": Case(
        "one_row_per", PAIR, rows("hour, label", "1, 'a'", "1, null"),
        rows("hour, label", "1, null", "1, null"),
    ),
    "a_key_that_is_not_complete": Case(
        "one_row_per", PAIR, rows("hour, label", "1, null"), rows("hour, label", "null, 'a'"),
    ),
    "a_digit_too_little": Case(
        "sums_to", WHOLE, rows("hour, proportion", "1, 0.5", "1, 0.5", "2, 1.0"),
        rows("hour, proportion", "1, 0.5", "1, 0.5", "2, 0.9999999999"),
    ),
    "a_digit_too_much": Case(
        "sums_to", WHOLE, rows("hour, proportion", "1, 1.0"),
        rows("hour, proportion", "1, 1.0000000001"),
    ),
    "a_proportion_that_is_missing": Case(
        "sums_to", WHOLE, rows("hour, proportion", "1, 1.0"),
        rows("hour, proportion", "1, 1.0", "1, null"),
    ),
    "no_proportion_at_all": Case(
        "sums_to", WHOLE, rows("hour, proportion", "1, 1.0"),
        rows("hour, proportion", "1, 1.0", "2, null::decimal(2, 1)"),
    ),
    "a_cent_that_appears": Case(
        "conserves", SAME, rows("label, spend", "'a', 1.00", "'a', 2.00", "null, 5.00"),
        rows("label, spend", "'a', 3.01", "null, 5.00"),
    ),
    "a_cent_that_moves": Case(
        "conserves", SAME, rows("label, spend", "'a', 3.00", "null, 5.00"),
        rows("label, spend", "'a', 2.99", "null, 5.01"),
    ),
    "a_group_that_disappears": Case(
        "conserves", SAME, rows("label, spend", "'a', 3.00", "null, 5.00"),
        rows("label, spend", "'a', 3.00"),
    ),
    "a_group_that_appears": Case(
        "conserves", SAME, rows("label, spend", "'a', 3.00", "null, 5.00"),
        rows("label, spend", "'a', 3.00", "null, 5.00", "'b', 0.00"),
    ),
    "a_sum_of_nothing": Case(
        "conserves", SAME, rows("label, spend", "'a', 3.00", "null, 5.00"),
        rows("label, spend", "'a', null::decimal(3, 2)", "null, 5.00"),
    ),
    "a_cent_that_changes_its_hour": Case(
        "conserves", RENAMED, rows("hour, source_label, spend", "1, 'a', 3.00", "1, null, 5.00"),
        rows("hour, source_label, spend", "1, 'a', 3.00", "2, null, 5.00"),
    ),
    "an_hour_that_is_missing": Case(
        "covers_every_hour", CALENDAR,
        f"select *, 1 as interval_hours from {HOURS} as t(cluster, usage_hour)",
        f"select *, 1 as interval_hours from {HOURS} as t(cluster, usage_hour) limit 1",
    ),
    "a_day_is_not_its_hours": Case(
        "covers_every_hour", CALENDAR,
        f"select *, 1 as interval_hours from {HOURS} as t(cluster, usage_hour)",
        f"select *, 24 as interval_hours from {HOURS} as t(cluster, usage_hour)",
    ),
    "another_clusters_hour": Case(
        "covers_every_hour", CALENDAR,
        f"select *, 1 as interval_hours from {HOURS} as t(cluster, usage_hour)",
        f"select 'green' as cluster, usage_hour, 1 as interval_hours"
        f" from {HOURS} as t(c, usage_hour)",
    ),
    "more_than_the_highest": Case(
        "is_between", {"lowest": 0, "highest": 1}, rows("share", "0.0", "1.0"),
        rows("share", "1.0000000001"), column="share",
    ),
    "less_than_the_lowest": Case(
        "is_between", {"lowest": 0, "highest": 1}, rows("share", "0.0", "1.0"),
        rows("share", "-0.0000000001"), column="share",
    ),
    "not_a_number_at_all": Case(
        "is_between", {"lowest": 0, "highest": 1}, rows("share", "0.5"),
        rows("share", "0.5", "null"), column="share",
    ),
    "two_owners_at_once": Case(
        "never_overlaps", SPANS,
        rows("label, since, until", f"'a', {NOON}, {NOON} + to_hours(1)",
             f"'a', {NOON} + to_hours(1), {NOON} + to_hours(2)"),
        rows("label, since, until", f"'a', {NOON}, {NOON} + to_hours(2)",
             f"'a', {NOON} + to_hours(1), {NOON} + to_hours(2)"),
    ),
    "a_span_that_ends_before_it_begins": Case(
        "never_overlaps", SPANS, rows("label, since, until", f"'a', {NOON}, {NOON} + to_hours(1)"),
        rows("label, since, until", f"'a', {NOON}, {NOON}"),
    ),
    "an_hour_without_an_owner": Case(
        "never_gaps", SPANS,
        rows("label, since, until", f"'a', {NOON}, {NOON} + to_hours(1)",
             f"'a', {NOON} + to_hours(1), {NOON} + to_hours(2)"),
        rows("label, since, until", f"'a', {NOON}, {NOON} + to_hours(1)",
             f"'a', {NOON} + to_hours(2), {NOON} + to_hours(3)"),
    ),
    "zeros_are_gone": Case(
        "is_an_account", {}, rows("payer", "'012345678901'", "null"),
        rows("payer", "'12345678901'"), column="payer",
    ),
    "no_account_at_all": Case(
        "is_an_account", {}, rows("payer", "'012345678901'"),
        rows("payer", "'0123-5678901'"), column="payer",
    ),
    "half_past": Case(
        "is_an_hour", {}, rows("since", "'2026-11-01'", "'2026-11-01 05:00:00'", "null"),
        rows("since", "'2026-11-01 05:30:00'"), column="since",
    ),
    "no_time_at_all": Case(
        "is_an_hour", {}, rows("since", "'2026-11-01'"), rows("since", "'soon'"), column="since",
    ),
    "nothing_where_something_must_be": Case(
        "is_given", {}, rows("team", "'a'"), rows("team", "'a'", "null"), column="team",
    ),
    "a_word_that_nobody_knows": Case(
        "is_one_of", {"values": ["usage", "even"]}, rows("word", "'even'", "null"),
        rows("word", "'usage'", "'evens'"), column="word",
    ),
    "a_name_that_nobody_has": Case(
        "names_one_of", {"to": "source('cases', 'calendar')", "field": "cluster"},
        rows("name", "'blue'", "null"), rows("name", "'blue'", "'green'"), column="name",
    ),
    "a_word_for_a_date": Case(
        "casts_to", {"type": "timestamp"}, rows("since", "'2026-11-01'", "null"),
        rows("since", "'soon'"), column="since",
    ),
}  # fmt: skip

THERE = rows("hour, label, cost", "1, 'a', 1.00", "1, 'a', 2.00", "1, null, 5.00")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generic tests, each case on a table of its own."""
    project = tmp_path_factory.mktemp("generic") / "project"
    shutil.copytree(ROOT / "macros" / "generic_tests", project / "macros" / "generic_tests")
    shutil.copy(ROOT / "profiles.yml", project)
    for macro in ("hash_of", "refreshed"):
        shutil.copy(ROOT / "macros" / f"{macro}.sql", project / "macros")
    # dbt reads YAML, of which JSON is a part.
    (project / "dbt_project.yml").write_text(
        json.dumps({"name": "infraspend", "profile": "infraspend", "seed-paths": ["seeds"]})
    )
    tables: list[dict[str, Any]] = [{"name": name} for name in ("there", "calendar")]
    for name, case in CASES.items():
        test = [{case.test: {"name": name, "arguments": case.arguments}}]
        on_column = {"columns": [{"name": case.column, "data_tests": test}]}
        tables.append({"name": name} | (on_column if case.column else {"data_tests": test}))
    (project / "models").mkdir()
    (project / "models" / "cases.yml").write_text(
        json.dumps({"sources": [{"name": "cases", "schema": "main", "tables": tables}]})
    )
    return project


def verdicts(project: Path, warehouse: Path, tables: dict[str, str]) -> dict[str, str]:
    """Case -> what dbt says about it, with these queries as the tables."""
    with duckdb.connect(warehouse) as connection:
        for name, query in tables.items():
            connection.execute(f"create table {name} as {query}")
        connection.execute(f"create table there as {THERE}")
        connection.execute(f"create table calendar as from {HOURS} as t(cluster, usage_hour)")
    setting = DbtSetting(
        project=project,
        warehouse=warehouse,
        seeds="seeds",
        artifacts=warehouse.with_suffix(".dbt"),
    )
    run = run_dbt(setting, (), silent)
    assert not run.complaint
    return {node.name: node.status for node in run.nodes}


def test_what_is_right_passes(project: Path, tmp_path: Path) -> None:
    good = {name: case.good for name, case in CASES.items()}
    assert verdicts(project, tmp_path / "good.duckdb", good) == dict.fromkeys(CASES, "pass")


def test_what_is_broken_fails(project: Path, tmp_path: Path) -> None:
    broken = {name: case.broken for name, case in CASES.items()}
    assert verdicts(project, tmp_path / "broken.duckdb", broken) == dict.fromkeys(CASES, "fail")


def test_every_generic_test_has_a_case() -> None:
    tests = {path.stem for path in (ROOT / "macros" / "generic_tests").glob("*.sql")}
    assert tests == {case.test for case in CASES.values()}
