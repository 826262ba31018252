"""The whole way, as a newcomer goes it: `infraspend demo`, and again."""

import csv
import json
import re
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.command_line.process import run

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("somewhere")


@pytest.fixture(scope="module")
def first_run(directory: Path) -> str:
    # Seeds and a warehouse of the user's own are none of the demo's business.
    said = run(
        *("demo", "--dir", "company", "--days", "2", "--months", "0"),
        cwd=directory,
        INFRASPEND_SEEDS="nowhere",
        INFRASPEND_WAREHOUSE="my-own.duckdb",
    )
    assert said.returncode == 0, said.stderr
    return said.stdout


def test_it_says_what_an_analyst_wants_to_know(first_run: str) -> None:
    for table in (
        "Spend by org and team",
        "Spend by service",
        "Unallocated capacity",
        "From the invoice to true_cost",
    ):
        assert table in first_run
    assert "core-0" in first_run
    (unexplained,) = (line for line in first_run.splitlines() if line.startswith("unexplained"))
    assert unexplained.split() == ["unexplained", "0.0000000000"]


@pytest.mark.usefixtures("first_run")
def test_it_explains_what_a_service_spent(directory: Path) -> None:
    with duckdb.connect(
        str(directory / "company" / "published" / "infraspend.duckdb"), read_only=True
    ) as connection:
        ((day, spend),) = connection.execute("""
            select usage_date, sum(spend) from marts.daily_spend
            where lyft_label = 'shared-rides' group by usage_date order by usage_date limit 1
        """).fetchall()
    warehouse = ("--warehouse", "company/demo.duckdb")
    question = ("explain", "--label", "Shared-Rides", "--date", str(day))
    answer = run(*question, *warehouse, cwd=directory, COLUMNS="200")
    assert answer.returncode == 0, answer.stderr
    assert f"{spend} " in answer.stdout
    said = " ".join(answer.stdout.split())
    # Every platform on the way, by whose usage: the cluster by pricing's, features by the label's.
    assert re.search(
        r"k8s: core-0 \(\S+, cpu\) split [\d.,]+, pricing [\d.,]+ of [\d.,]+ core-hours", said
    )
    assert re.search(
        r"features: pricing \(all, usage\) split [\d.,]+, shared-rides [\d.,]+ of", said
    )

    nothing = run("explain", "--label", "nobody", "--date", str(day), *warehouse, cwd=directory)
    assert nothing.returncode == 1
    assert "nobody spent nothing" in nothing.stderr

    nowhere = run(*question, "--warehouse", "nowhere.duckdb", cwd=directory)
    assert nowhere.returncode == 1
    assert "run infraspend build" in nowhere.stderr


@pytest.mark.usefixtures("first_run")
def test_it_explains_for_programs_for_spreadsheets_and_what_changed(directory: Path) -> None:
    asked = ("explain", "--label", "shared-rides", "--warehouse", "company/demo.duckdb")
    with duckdb.connect(
        str(directory / "company" / "published" / "infraspend.duckdb"), read_only=True
    ) as connection:
        (first, spent_first), (second, spent_second) = connection.execute("""
            select usage_date, sum(spend) from marts.daily_spend
            where lyft_label = 'shared-rides' group by usage_date order by usage_date limit 2
        """).fetchall()

    found = json.loads(
        run(*asked, "--date", str(second), "--json", cwd=directory).stdout, parse_float=Decimal
    )
    assert Decimal(found["spend"]) == spent_second
    assert sum(Decimal(reason["spend"]) for reason in found["reasons"]) == spent_second

    assert {step["usage_label"] for step in found["steps"]} >= {"pricing", "shared-rides"}

    text = run(*asked, "--date", str(second), "--csv", cwd=directory).stdout
    rows = list(csv.DictReader(text.splitlines()))
    assert sum(Decimal(row["spend"]) for row in rows) == spent_second

    text = run(*asked, "--date", str(second), "--csv", "--hours", cwd=directory).stdout
    sums = [row for row in csv.DictReader(text.splitlines()) if row["way"]]
    assert sum(Decimal(row["spend"] or 0) for row in sums) == spent_second
    for row in sums:
        share = Decimal(row["usage"]) / Decimal(row["total_usage"])
        spend = Decimal(row["spend_before"]) * share
        assert abs(spend - Decimal(row["spend_after"])) < Decimal("0.00000001")

    against = ("--date", str(second), "--against", str(first))
    change = run(*asked, *against, cwd=directory, COLUMNS="80")
    assert f"{spent_second - spent_first:+f}" in change.stdout
    assert max(map(len, change.stdout.splitlines())) <= 80

    misspelt = run(
        *("explain", "--label", "shared-ride", "--warehouse", "company/demo.duckdb"),
        *("--date", str(first)),
        cwd=directory,
    )
    assert "did you mean shared-rides" in misspelt.stderr


def test_it_publishes_marts_that_explain_themselves(first_run: str, directory: Path) -> None:
    published = directory / "company" / "published"
    assert f"{published.relative_to(directory)}/infraspend.duckdb" in first_run
    with duckdb.connect(str(published / "infraspend.duckdb"), read_only=True) as connection:
        marts = connection.execute(
            "select table_name from duckdb_tables() "
            "where schema_name = 'marts' and comment is not null"
        ).fetchall()
        silent = connection.execute(
            "select table_name, column_name from duckdb_columns() "
            "where (schema_name = 'marts' or table_name = 'build') and comment is null"
        ).fetchall()
    assert {path.stem for path in (published / "marts").iterdir()} == {name for (name,) in marts}
    assert {"true_cost", "enriched_spend", "daily_spend", "invoice_bridge"} <= {
        name for (name,) in marts
    }
    assert silent == []


def test_it_stays_in_its_directory(first_run: str, directory: Path) -> None:
    assert first_run
    assert [path.name for path in directory.iterdir()] == ["company"]


def test_the_second_run_changes_nothing_and_says_the_same(first_run: str, directory: Path) -> None:
    published = directory / "company" / "published" / "marts" / "enriched_spend"
    before = [path.read_bytes() for path in sorted(published.rglob("*.parquet"))]
    assert before

    said = run("demo", "--dir", "company", "--days", "2", "--months", "0", cwd=directory)

    assert said.returncode == 0, said.stderr
    assert "0 assemblies landed, 1 there already" in said.stdout
    assert "nothing new was landed" in said.stdout
    summary = "Spend by org and team"
    assert said.stdout.partition(summary)[2] == first_run.partition(summary)[2]
    assert [path.read_bytes() for path in sorted(published.rglob("*.parquet"))] == before
