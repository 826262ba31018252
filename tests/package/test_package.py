"""Another dbt project uses this one as a package and adds a mart of its own, with plain dbt."""

import os
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from infraspend.builder.dbt import DBT
from infraspend.loaders import aws_cur, kubernetes, platforms
from tests.end_to_end.companies import ROOT
from tests.fixtures.make_company import COMPANY

pytestmark = pytest.mark.thorough

PROJECT = """
name: finops
profile: infraspend
flags: {send_anonymous_usage_stats: false}
models:
  finops:
    +schema: finops
    +incremental_strategy: delete+insert
    +pre-hook: "{{ infraspend.begin_months() }}"
    +post-hook: "{{ infraspend.repeat_for_other_months() }}"
"""

MART = """
{{ config(materialized='incremental', unique_key='billing_period') }}

select billing_period, product, sum(spend) as spend
from {{ ref('enriched_spend') }}
where {{ infraspend.in_month('billing_period') }}
group by billing_period, product
"""


@pytest.fixture(scope="module")
def consumer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with this one as a package, and a warehouse with the bill and April's usage."""
    root = tmp_path_factory.mktemp("consumer")
    (root / "models").mkdir()
    (root / "dbt_project.yml").write_text(PROJECT)
    (root / "packages.yml").write_text(f"packages: [{{local: {ROOT}}}]")
    (root / "models" / "product_spend.sql").write_text(MART)
    shutil.copy(ROOT / "profiles.yml", root)
    aws_cur.load(root / "infraspend.duckdb", str(COMPANY / "bill"))
    first, *_ = sorted(path.parent for path in COMPANY.glob("kubernetes/**/collection.json"))
    kubernetes.load(root / "infraspend.duckdb", str(first))
    platforms.load(root / "infraspend.duckdb", str(COMPANY / "platforms"))
    run(root, "deps")
    return root


def run(root: Path, *arguments: str) -> str:
    """What dbt prints, after it succeeded."""
    done = subprocess.run(
        [*DBT, *arguments, "--project-dir", str(root), "--profiles-dir", str(root)],
        cwd=root,
        env=os.environ
        | {
            "INFRASPEND_WAREHOUSE": str(root / "infraspend.duckdb"),
            "INFRASPEND_SEEDS": (COMPANY / "seeds").relative_to(ROOT).as_posix(),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def rows(root: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(root / "infraspend.duckdb", read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_everything_builds_and_a_mart_of_its_own_follows_the_months(consumer: Path) -> None:
    run(consumer, "build")
    before = spend_of_months(consumer)
    assert before == spend_of_months(consumer, "marts.enriched_spend")

    kubernetes.load(consumer / "infraspend.duckdb", str(COMPANY / "kubernetes"))
    run(consumer, "build", "--exclude-resource-type", "unit_test")
    assert ("2026-05", "its usage changed") in rows(consumer, "from pipeline.refresh")
    after = spend_of_months(consumer)
    assert after == spend_of_months(consumer, "marts.enriched_spend")
    assert after.keys() == before.keys() == {"2026-04", "2026-05"}

    # Nothing new: the mart stays as it is, and is not emptied.
    run(consumer, "build", "--exclude-resource-type", "unit_test")
    assert rows(consumer, "from pipeline.refresh") == []
    assert spend_of_months(consumer) == after
    assert rows(consumer, "from pipeline.unproven") == []


def spend_of_months(root: Path, table: str = "main_finops.product_spend") -> dict[object, object]:
    return dict(
        rows(root, f"select billing_period, sum(spend) from {table} group by billing_period")
    )
