"""Every analysis runs, and says what is so."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from decimal import Decimal

import duckdb
import pytest

from tests.end_to_end.companies import ROOT, Company
from tests.models.originals import copy_of

pytestmark = pytest.mark.thorough

ANALYSES = sorted(path.stem for path in (ROOT / "analyses").glob("*.sql"))
PROBLEMS = sorted(path.stem for path in (ROOT / "analyses" / "notify").glob("*.sql"))


def compile_analyses(company: Company) -> dict[str, str]:
    """Analysis -> its query; a build leaves analyses alone."""
    command = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "--quiet", "compile"]
    options = ("--select", "path:analyses", "--profiles-dir", ".", "--target-path", "target")
    seen_from_project = {
        "INFRASPEND_WAREHOUSE": company.warehouse.relative_to(company.project).as_posix(),
        "INFRASPEND_SEEDS": "facts",
    }
    subprocess.run(
        [*command, *options],
        cwd=company.project,
        env=os.environ | seen_from_project,
        check=True,
    )
    compiled = company.project.glob("target/compiled/*/analyses/**/*.sql")
    return {path.stem: path.read_text() for path in compiled}


@pytest.fixture(scope="module")
def answers(
    companies: dict[str, Company], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[dict[str, object]]]:
    """Analysis -> the rows that it finds in the simulated company."""
    company = copy_of(companies["simulated"], tmp_path_factory.mktemp("analyses") / "company")
    folder = company.project / "analyses"
    folder.mkdir()
    for name in ANALYSES:
        (folder / f"{name}.sql").write_bytes((ROOT / "analyses" / f"{name}.sql").read_bytes())
    shutil.copytree(ROOT / "analyses" / "notify", folder / "notify")
    compiled = compile_analyses(company)
    assert compiled.keys() == {*ANALYSES, *PROBLEMS}
    answers = {}
    with duckdb.connect(company.warehouse, read_only=True) as connection:
        for name, query in compiled.items():
            found = connection.execute(query)
            columns = [column[0] for column in found.description or ()]
            answers[name] = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
    return answers


# The company is too young for 28 days and the 28 before; tests/publishers asks a year of marts.
@pytest.mark.parametrize("name", [name for name in ANALYSES if name != "top_movers"])
def test_it_finds_something(answers: dict[str, list[dict[str, object]]], name: str) -> None:
    assert answers[name]


@pytest.mark.parametrize("name", PROBLEMS)
def test_problems_run_as_dbt_compiles_them(
    answers: dict[str, list[dict[str, object]]], name: str
) -> None:
    for row in answers[name]:
        assert row["problem"]
        assert row["happened_on"]


def test_rules_would_label_what_is_unlabeled_in_truth(
    companies: dict[str, Company], answers: dict[str, list[dict[str, object]]]
) -> None:
    truth = companies["simulated"].root / "truth" / "true_cost.parquet"
    costs = duckdb.execute(
        f"""
        select product, sum(net_amortized_cost) from read_parquet('{truth}')
        where lyft_label = 'unlabeled' group by product
        """
    ).fetchall()
    ranking = answers["rules_that_would_label_most"]
    of_products: Counter[str] = Counter()
    for row in ranking:
        if row["match_on"] == "product":
            of_products[str(row["match_value"])] += row["would_label"]  # type: ignore[assignment]
    assert of_products == dict(costs)
    dollars = [row["would_label"] for row in ranking]
    assert dollars == sorted(dollars, key=lambda amount: Decimal(str(amount)), reverse=True)
