"""MetricFlow reads the metrics of the marts' yml, and answers what plain SQL says."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from tests.end_to_end.companies import copy_project
from tests.metrics.conftest import METRICFLOW
from tests.metrics.expected import PLAIN
from tests.workspaces import ROOT

ENTITIES = {
    "daily_spend": "spend",
    "true_cost": "charge",
    "unallocated_capacity": "capacity",
    "commitment_usage": "commitment",
    "kubernetes_efficiency": "kubernetes",
    "platform_health": "platform_day",
    "invoice_bridge": "bridge",
}
TEXT = (ROOT / "docs" / "metrics.md").read_text()
RECIPES = re.findall(r"^\.venv-metrics/bin/mf (?:.*\\\n)*.*", TEXT, re.MULTILINE)


def run(
    project: Path, published: Path, command: Sequence[str | Path], asked: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Runs something of .venv-metrics in the project, on what was published."""
    clean = {name: value for name, value in os.environ.items() if "INFRASPEND" not in name}
    return subprocess.run(
        command,
        cwd=project,
        env=clean | {"DBT_TARGET": "published", "INFRASPEND_PUBLISHED": str(published)},
        input=asked,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def own_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project: MetricFlow writes into it."""
    project = copy_project(tmp_path_factory.mktemp("metrics") / "infraspend")
    shutil.copytree(ROOT / "seeds", project / "seeds")
    (project / ".venv-metrics").symlink_to(METRICFLOW.parent)
    return project


@pytest.fixture(scope="module")
def parsed(own_project: Path, published_company: Path) -> str:
    """What dbt prints while it parses the project."""
    done = run(own_project, published_company, [METRICFLOW / "dbt", "--no-use-colors", "parse"])
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def sql(own_project: Path, parsed: str, published_company: Path) -> dict[str, str]:
    """Metric -> what MetricFlow asks DuckDB, by month and a dimension."""
    assert "Running with dbt=1.12" in parsed
    queries = [
        (metric, ["metric_time__month", f"{ENTITIES[plain.mart]}__{plain.by}"])
        for metric, plain in PLAIN.items()
    ]
    script = ROOT / "tests" / "metrics" / "metricflow_sql.py"
    done = run(
        own_project, published_company, [METRICFLOW / "python", script], asked=json.dumps(queries)
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(PLAIN, json.loads(done.stdout), strict=True))


def test_parsing_prints_no_warning(parsed: str) -> None:
    assert "WARN" not in parsed.upper(), parsed


@pytest.mark.parametrize("metric", PLAIN)
def test_metricflow_says_what_plain_sql_says(
    sql: dict[str, str], published_company: Path, metric: str
) -> None:
    plain = PLAIN[metric]
    with duckdb.connect(str(published_company), read_only=True) as connection:
        found = connection.execute(
            "select month::date, by_dimension, amount"
            f" from ({sql[metric]}) as found (month, by_dimension, amount) order by all"
        ).fetchall()
        expected = connection.execute(
            f"select {plain.month}, {plain.by}, {plain.value}"
            f" from marts.{plain.mart} group by all order by all"
        ).fetchall()

    assert found == expected


@pytest.mark.usefixtures("parsed")
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_answers_beside_other_readers(
    own_project: Path, published_company: Path, recipe: str
) -> None:
    with duckdb.connect(str(published_company), read_only=True):
        done = run(own_project, published_company, ["sh", "-ec", recipe])

    assert done.returncode == 0, done.stderr
    assert re.search(r"\d", done.stdout)


def test_there_are_recipes() -> None:
    assert len(RECIPES) >= 3
