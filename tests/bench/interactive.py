"""How long a dashboard waits: its queries over a year of published marts for 500 labels.

    python -m tests.bench.interactive [--labels N] [--runs N]

The marts are made up here, in the shapes of the models' contracts, and published as `infraspend
publish` does. Every query of `QUERIES` is an analysis of the project; it runs on the published
file as a dashboard runs it: the file is opened read-only, again each time. The goal is that none
takes more than 200 ms, the worst run of it included.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from infraspend.publishers import marts
from infraspend.publishers.dashboard import write_dashboard
from tests.dashboard.contracts import BROWSERS, create_marts

#: The analyses that a dashboard asks.
QUERIES = (
    "spend_by_team",
    "spend_by_org_and_day",
    "where_a_label_spends",
    "top_movers",
    "unallocated_capacity_over_time",
    "tenants_of_a_platform",
    "unlabeled_share",
    "commitment_utilization",
    "health_of_platforms",
)
GOAL = 0.2
VIEW_GOAL = 2
LABELS = 500
DAYS = 365
RUNS = 15

_PROJECT = Path(__file__).parents[2]
_ASKED = {
    "where_a_label_spends": " where lyft_label = 'label-042'",
    "tenants_of_a_platform": " where platform = 'k8s'",
}

#: A label spends on some of its platforms and products each day, in the order in which a build
#: writes: period by period, and within it in none.
_MARTS = {
    "daily_spend": """
        with days as (
            select cast(range as date) as usage_date
            from range(date '2026-01-01', date '2026-01-01' + {days}, interval 1 day)
        ),
        holdings as (
            select l.range as l, p.range as p, printf('label-%03d', l.range) as lyft_label
            from range({labels}) as l cross join range(12) as p
        ),
        rows as (
            select *, hash(l, p, usage_date) as h
            from days cross join holdings
        )
        select
            strftime(usage_date, '%Y-%m') as billing_period,
            printf('%012d', 123456789000 + l % 7) as account_id,
            case when l = 0 then 'unlabeled' else lyft_label end as lyft_label,
            case when l % 50 = 0 then 'unassigned' else 'team-' || l % 60 end as team,
            case when l % 50 = 0 then 'unassigned' else 'org-' || l % 8 end as org,
            team as current_team,
            org as current_org,
            case when p < 6 then ['k8s', 'k8s', 'k8s', 'spark', 'lyftlearn', 'warehouse'][p + 1] end
                as platform,
            case when p < 6 then 'sub-' || (p + l % 4) end as sub_platform,
            ['AmazonEC2', 'AmazonS3', 'AmazonRDS', 'AWSELB', 'AmazonEKS'][1 + (l + p) % 5]
                as product,
            'usage' as charge_class,
            cast(h % 100000 as decimal(25, 10)) * 0.0012345678::decimal(11, 10) as spend,
            usage_date,
            false as is_period_charge
        from rows
        order by billing_period, h
    """,
    "time_spine": """
        select
            cast(range as date) as date_day,
            strftime(range, '%Y-%m') as date_month,
            true as is_complete,
            row_number() over (order by range desc) as days_back
        from range(date '2026-01-01', date '2026-01-01' + {days}, interval 1 day)
    """,
    "monthly_spend": """
        select
            billing_period, true as is_complete, sum(spend) as spend, lyft_label, team, org,
            current_team, current_org, platform, sub_platform, product, charge_class
        from marts.daily_spend
        group by all
    """,
    "unallocated_capacity": """
        select
            'k8s' as platform,
            'sub-' || s.range as sub_platform,
            'pool-' || p.range as capacity_pool,
            cast(100 + hash(s.range, p.range, d.range) % 1000 as decimal(38, 20)) as spend,
            cast(hash(d.range, s.range) % 100 as decimal(38, 20)) as free_spend,
            cast(0.25 as decimal(11, 10)) as free_share,
            spend as first_spend,
            date '2026-01-01' + d.range::int as usage_date
        from range({days}) as d cross join range(20) as s cross join range(8) as p
    """,
    "platform_health": """
        select
            'k8s' as platform,
            'sub-' || s.range as sub_platform,
            'team-' || s.range as owner,
            24::bigint as expected,
            23::bigint as measured,
            1::bigint as interpolated,
            0::bigint as missing,
            'interpolated' as status,
            cast(0.01 as decimal(11, 10)) as drift,
            cast(s.range as decimal(38, 20)) as spend_at_stake,
            date '2026-01-01' + d.range::int as usage_date
        from range({days}) as d cross join range(40) as s
    """,
    "commitment_usage": """
        select
            strftime(timestamp '2026-01-01' + to_hours(h.range), '%Y-%m') as billing_period,
            '111122223333' as payer_account_id,
            'arn:aws:savingsplans::111122223333:savingsplan/' || c.range as commitment_id,
            case when c.range % 2 = 0 then 'reservation' else 'savings_plan' end as commitment_type,
            cast(0.9 as decimal(11, 10)) as utilization,
            cast(0.5 as decimal(11, 10)) as coverage,
            cast(10 as decimal(25, 10)) as commitment_cost,
            cast(9 as decimal(25, 10)) as used_cost,
            cast(1 as decimal(25, 10)) as unused_cost,
            cast(9 as decimal(25, 10)) as on_demand_list_cost,
            timestamp '2026-01-01' + to_hours(h.range) as usage_hour
        from range({days} * 24) as h cross join range(60) as c
    """,
}


def published(directory: Path, labels: int = LABELS, days: int = DAYS) -> Path:
    """Publishes made-up marts.

    Args:
        directory: Where the warehouse and the published marts are put.
        labels: How many labels spend.
        days: How many days they spend on.

    Returns:
        The published DuckDB file.
    """
    warehouse = directory / "warehouse.duckdb"
    with duckdb.connect(warehouse) as connection:
        create_marts(connection)
        for mart, select in _MARTS.items():
            statement = select.format(labels=labels, days=days)
            connection.execute(f"insert into marts.{mart} by name {statement}")
        connection.execute("create schema pipeline")
        connection.execute("create table pipeline.unproven (node varchar, why varchar)")
        connection.execute(
            "create table pipeline.nodes as select 'model.infraspend.' || table_name as node,"
            " 'model' as resource_type, schema_name, table_name as name"
            " from duckdb_tables() where schema_name = 'marts'"
        )
    return marts.publish(warehouse, directory / "published", project=_PROJECT).database


def waits(database: Path, query: str, runs: int = RUNS) -> list[float]:
    """How many seconds each of some runs of a query takes, with opening the file.

    Args:
        database: The published file.
        query: The name of an analysis.
        runs: How often to ask.
    """
    statement = f"from analyses.{query}{_ASKED.get(query, '')}"
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        with duckdb.connect(database, read_only=True) as connection:
            rows = connection.execute(statement).fetchall()
        seconds.append(time.perf_counter() - started)
        if not rows:
            raise ValueError(f"{query} finds nothing")
    return seconds


def dashboard(database: Path, to: Path) -> float | None:
    """Writes the dashboard; how many seconds its first page takes, or None without a browser.

    Args:
        database: The published file.
        to: The directory for the pages.
    """
    cpu = time.process_time()
    written = write_dashboard(database.parent, to, _PROJECT)
    cpu = time.process_time() - cpu
    size = sum(path.stat().st_size for path in to.rglob("*.html")) / (1 << 20)
    first = (to / "index.html").stat().st_size / (1 << 10)
    print(
        f"{written.pages} pages of {size:.0f} MiB in {cpu:.1f} s of CPU;"
        f" the first has {first:.0f} KiB"
    )
    browser = next((path for path in BROWSERS if path.exists()), None)
    if browser is None:
        print("no Chromium: the first page was not opened")
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        tab = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page()
        tab.goto(written.index.as_uri())
        tab.wait_for_selector("body[data-viewed]")
        milliseconds: float = tab.evaluate("performance.now()")
    return milliseconds / 1000


def main() -> None:
    """Prints how long each query takes; exits with 1 if one takes too long."""
    parser = argparse.ArgumentParser(description="How long a dashboard waits.")
    parser.add_argument("--labels", type=int, default=LABELS)
    parser.add_argument("--runs", type=int, default=RUNS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="infraspend-bench-") as directory:
        database = published(Path(directory), arguments.labels)
        with duckdb.connect(database, read_only=True) as connection:
            ((rows,),) = connection.execute("select count(*) from marts.daily_spend").fetchall()
        print(f"{rows:,} rows of daily_spend, {database.stat().st_size / (1 << 20):.0f} MiB")
        slow = 0
        for query in QUERIES:
            cpu = time.process_time()
            seconds = waits(database, query, arguments.runs)
            cpu = (time.process_time() - cpu) / arguments.runs
            slow += max(seconds) > GOAL
            print(
                f"{query:<32}median {statistics.median(seconds) * 1000:6.1f} ms,"
                f" worst {max(seconds) * 1000:6.1f} ms, {cpu * 1000:6.1f} ms of CPU",
                flush=True,
            )
        print(f"the goal is {GOAL * 1000:.0f} ms each: {'missed' if slow else 'met'}")
        if (seconds_to_view := dashboard(database, Path(directory) / "dashboard")) is not None:
            is_late = seconds_to_view > VIEW_GOAL
            slow += is_late
            print(
                f"first view after {seconds_to_view:.2f} s; the goal is {VIEW_GOAL} s:"
                f" {'missed' if is_late else 'met'}"
            )
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
