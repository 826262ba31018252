"""A company's few days, built on DuckDB and on Spark from the same deliveries, FOCUS included.

First without the last day of its clusters, then with it; two older months are a few lines of a
second payer, so that there is something to leave alone.

Only `make test-spark` installs Spark; without it there is nothing here to collect.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from random import Random
from shutil import copytree, ignore_patterns

import duckdb
import pytest

from infraspend.builder import BuildResult, build
from infraspend.builder.spark import home_beside
from infraspend.loaders import aws_cur, focus, kubernetes, platforms
from infraspend.loaders.warehouse import LakeUrl
from infraspend.simulation import simulate
from tests.generated_bills.bills import HOUR, Line, Period, line, text_of
from tests.generated_bills.delivery import deliver
from tests.loaders.focus_bills import Charge, charge, write
from tests.spark.comparison import Files, files_of_months
from tests.workspaces import ROOT

collect_ignore_glob = [] if find_spec("pyspark") else ["test_*.py"]
DAYS = 3
WITH_FOCUS = ("--vars", "{focus: true}")
LAST_DAY = "20261120T00_20261121T00"
SEPTEMBER, OCTOBER = Period(datetime(2026, 9, 1), 1), Period(datetime(2026, 10, 1), 1)


@dataclass(frozen=True)
class Company:
    """What both engines built of it.

    Attributes:
        delivered: What AWS, the clusters and owners delivered.
        warehouse: What DuckDB built; beside it lies what Spark built.
        lake: What Spark built from.
        on_duckdb: How the last build of DuckDB went.
        on_spark: How the last build of Spark went.
        files: The files of tables that are kept by months, after the first build of Spark.
    """

    delivered: Path
    warehouse: Path
    lake: LakeUrl
    on_duckdb: BuildResult
    on_spark: BuildResult
    files: Files

    @property
    def spark_tables(self) -> Path:
        return home_beside(self.warehouse) / "tables"


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    root = tmp_path_factory.mktemp("company")
    delivered = root / "delivered"
    simulated = simulate(delivered / "simulated", days=DAYS)
    first_days = delivered / "first_days"
    copytree(simulated.kubernetes, first_days, ignore=ignore_patterns(LAST_DAY))
    deliver_old_months(delivered, {SEPTEMBER: 123, OCTOBER: 123_456_789}, execution="execution-1")
    write(delivered / "azure" / "bill.parquet", azure())
    # The demo company's own would be refused: of its bill it is not the only payer.
    copytree(ROOT / "seeds", root / "facts")
    warehouse = root / "warehouse" / "company.duckdb"
    lake = LakeUrl(str(root / "lake"))
    for location in (warehouse, lake):
        aws_cur.load(location, str(simulated.bill))
        aws_cur.load(location, str(delivered / "old"))
        kubernetes.load(location, str(first_days))
        platforms.load(location, str(simulated.platforms))
        focus.load(location, str(delivered / "azure"))
    on_duckdb = build_on_duckdb(warehouse)
    on_spark = build_on_spark(warehouse, lake)
    files = files_of_months(home_beside(warehouse) / "tables")
    return Company(delivered, warehouse, lake, on_duckdb, on_spark, files)


@pytest.fixture(scope="session")
def later(company: Company) -> Company:
    """The same company, when October was restated and the last day of the clusters came."""
    deliver_old_months(company.delivered, {OCTOBER: 987_654_321}, execution="execution-2")
    for location in (company.warehouse, company.lake):
        aws_cur.load(location, str(company.delivered / "old"))
        kubernetes.load(location, str(company.delivered / "simulated" / "kubernetes"))
    return replace(
        company,
        # Everything, so that what Spark leaves alone is compared with what it would have made.
        on_duckdb=build_on_duckdb(company.warehouse, "--full-refresh"),
        on_spark=build_on_spark(company.warehouse, company.lake),
    )


def build_on_duckdb(warehouse: Path, *arguments: str) -> BuildResult:
    return build(warehouse, ROOT, facts_of(warehouse), (*WITH_FOCUS, *arguments))


def build_on_spark(warehouse: Path, lake: LakeUrl) -> BuildResult:
    return build(warehouse, ROOT, facts_of(warehouse), WITH_FOCUS, lake=lake)


def azure() -> list[Charge]:
    """A bill in FOCUS of November: usage on demand and committed, a purchase and a tax."""
    month = {
        "BillingPeriodStart": "2026-11-01T00:00:00Z",
        "BillingPeriodEnd": "2026-12-01T00:00:00Z",
    }
    hour = month | {
        "ChargePeriodStart": "2026-11-19T07:00:00Z",
        "ChargePeriodEnd": "2026-11-19T08:00:00Z",
    }
    whole = month | {
        "ChargePeriodStart": month["BillingPeriodStart"],
        "ChargePeriodEnd": month["BillingPeriodEnd"],
    }
    bought = {"CommitmentDiscountCategory": "Usage", "CommitmentDiscountId": "reservation-1"}
    committed = hour | bought | {"BilledCost": "0", "PricingCategory": "Committed"}
    tags = '{"user_service": "pricing", "a": "b|\\"c\\" \u00e9"}'
    return [
        charge("0.1234567891", Tags=tags, **hour),
        charge("0.5", ServiceName=None, RegionId=None, ResourceId=None, **hour),
        charge("2.5", CommitmentDiscountStatus="Used", **committed),
        charge("5", CommitmentDiscountStatus="Unused", **committed),
        charge("0", ChargeCategory="Purchase", BilledCost="30", **whole, **bought),
        charge("3.34", ChargeCategory="Tax", SubAccountId=None, **whole),
    ]


def facts_of(warehouse: Path) -> Path:
    """The seeds of the company whose warehouse this is."""
    return warehouse.parents[1] / "facts"


def deliver_old_months(delivered: Path, prices: dict[Period, int], *, execution: str) -> None:
    """The last three hours of some months on a payer's bill, at these prices an hour."""
    lines = [
        usage(period, hours_before_end, price)
        for period, price in prices.items()
        for hours_before_end in (1, 2, 3)
    ]
    deliver(delivered / "old", lines, execution=execution, files=1, order=Random(1))


def usage(period: Period, hours_before_end: int, cost: int) -> Line:
    """An hour of something that no platform splits; `cost` in units of 1e-10 dollars."""
    start = period.end - hours_before_end * HOUR
    return line(
        period,
        "Usage",
        start,
        start + HOUR,
        "900000000001",
        text_of(cost),
        bill_payer_account_id="900000000000",
        line_item_product_code="AmazonS3",
        line_item_usage_type="Requests-Tier1",
        resource_tags='{"user_service": "pricing"}',
    )


@pytest.fixture
def connection(company: Company) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open on what DuckDB built, in UTC."""
    with duckdb.connect(str(company.warehouse), read_only=True) as opened:
        opened.execute("set timezone = 'UTC'")
        yield opened
