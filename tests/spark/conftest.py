"""A company's few days, built on DuckDB and on Spark from the same deliveries.

Only `make test-spark` installs Spark; without it there is nothing here to collect.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest

from builder import BuildResult, build
from builder.spark import home_beside
from loaders import aws_cur, kubernetes, platforms
from loaders.simulation import simulate
from loaders.warehouse import LakeUrl
from tests.houses import ROOT

collect_ignore_glob = [] if find_spec("pyspark") else ["test_*.py"]
DAYS = 3


@dataclass(frozen=True)
class Company:
    """What both engines built of it."""

    warehouse: Path
    lake: LakeUrl
    on_duckdb: BuildResult
    on_spark: BuildResult

    @property
    def spark_tables(self) -> Path:
        return home_beside(self.warehouse) / "tables"


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    root = tmp_path_factory.mktemp("company")
    delivered = simulate(root / "delivered", days=DAYS)
    warehouse = root / "warehouse" / "company.duckdb"
    lake = LakeUrl(str(root / "lake"))
    for location in (warehouse, lake):
        aws_cur.load(location, str(delivered.bill))
        kubernetes.load(location, str(delivered.kubernetes))
        platforms.load(location, str(delivered.platforms))
    seeds = ROOT / "seeds"
    return Company(
        warehouse,
        lake,
        on_duckdb=build(warehouse, ROOT, seeds, ("--exclude-resource-type", "unit_test")),
        on_spark=build(warehouse, ROOT, seeds, lake=lake),
    )


@pytest.fixture
def connection(company: Company) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open on what DuckDB built, in UTC."""
    with duckdb.connect(str(company.warehouse), read_only=True) as opened:
        opened.execute("set timezone = 'UTC'")
        yield opened
