"""The history of a company: billed by the day, as true as its hours, and with something to see."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from infraspend import cli
from infraspend.loaders.errors import InfraspendError
from infraspend.simulation import SimulationResult, simulate
from infraspend.simulation.clock import Window, utc
from infraspend.simulation.plan.chance import Chance
from infraspend.simulation.plan.company_history import MIGRATIONS
from infraspend.simulation.plan.company_meters import LOOP
from infraspend.simulation.plan.company_platforms import SUB_PLATFORMS
from infraspend.simulation.plan.machines import Machines
from tests.simulation.bill import Line, current_lines, legacy_lines

# The fewest months before November of which AWS restated one.
MONTHS = 3
FIRST_PERIODS = ["2026-08", "2026-09", "2026-10"]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> SimulationResult:
    return simulate(tmp_path_factory.mktemp("company"), days=2, months=MONTHS, scale=0.05)


@pytest.fixture(scope="module")
def bill(company: SimulationResult) -> list[Line]:
    return list(current_lines(company.bill, "demo-daily"))


def _rows(query: str) -> list[tuple[Any, ...]]:
    return duckdb.sql(query).fetchall()


def _sum(lines: list[Line], name: str) -> Decimal:
    return sum((line.number(name) for line in lines), Decimal())


def _period(line: Line) -> str:
    return str(line["bill_billing_period_start_date"])[:7]


def test_the_hours_begin_with_their_month_and_whole_months_come_before() -> None:
    window = Window(2, MONTHS)
    assert (window.start, window.hourly_from) == (utc("2026-08-01"), utc("2026-11-01"))
    assert [period.name for period in window.periods()] == [*FIRST_PERIODS, "2026-11"]
    assert Window(51, 12).start == utc("2025-10-01")
    # Without a history nothing is added to the days.
    assert Window(2).start == Window(2).hourly_from == utc("2026-11-19")


def test_a_history_cannot_be_less_than_none_and_a_group_has_none(tmp_path: Path) -> None:
    for arguments in ({"months": -1}, {"months": 1, "scale": 2.0}):
        with pytest.raises(InfraspendError, match="--months"):
            simulate(tmp_path / "out", days=2, **arguments)  # type: ignore[arg-type]


def test_the_history_is_billed_by_the_day(bill: list[Line]) -> None:
    for line in bill:
        start, end = (
            datetime.fromisoformat(at) for at in line["identity_time_interval"].split("/")
        )
        assert end - start == timedelta(days=1)
    assert {_period(line) for line in bill} == set(FIRST_PERIODS)


def test_its_bill_adds_up_to_the_truth_and_covered_usage_cancels_out(
    company: SimulationResult, bill: list[Line]
) -> None:
    totals = json.loads((company.truth / "totals.json").read_text())
    assert [total["billing_period"] for total in totals] == [*FIRST_PERIODS, "2026-11"]
    for total in totals[:MONTHS]:
        lines = [line for line in bill if _period(line) == total["billing_period"]]
        assert len(lines) == total["line_count"]
        assert _sum(lines, "line_item_net_unblended_cost") == Decimal(total["invoice"])
        covered = [line for line in lines if line.kind in _COVERED]
        assert covered and _sum(covered, "line_item_unblended_cost") == 0


_COVERED = ("SavingsPlanCoveredUsage", "SavingsPlanNegation")


def test_its_reservations_are_used_or_unused_and_its_plans_pay_for_what_they_cover(
    bill: list[Line],
) -> None:
    for fee in (line for line in bill if line.kind == "RIFee"):
        arn = fee["reservation_reservation_a_r_n"]
        used = [
            line
            for line in bill
            if line.kind == "DiscountedUsage"
            and (line["reservation_reservation_a_r_n"], _period(line)) == (arn, _period(fee))
        ]
        assert fee.number("reservation_total_reserved_normalized_units") == _sum(
            used, "line_item_normalized_usage_amount"
        ) + fee.number("reservation_unused_normalized_unit_quantity")
    for fee in (line for line in bill if line.kind == "SavingsPlanRecurringFee"):
        day = fee["line_item_usage_start_date"]
        plan = fee["savings_plan_savings_plan_a_r_n"]
        effective = [
            line
            for line in bill
            if line.kind == "SavingsPlanCoveredUsage"
            and line["savings_plan_savings_plan_a_r_n"] == plan
            and line["line_item_usage_start_date"] == day
        ]
        assert fee.number("savings_plan_used_commitment") == _sum(
            effective, "savings_plan_savings_plan_effective_cost"
        )


def test_the_hours_of_a_day_are_alike_and_so_is_the_day(company: SimulationResult) -> None:
    folder = f"{company.kubernetes}/*/202609*"
    assert (
        _rows(f"""
        select cluster, node, pod, container, cpu_request_core_hours, usage_hour::date
        from read_parquet('{folder}/container_hours.parquet') group by all having count(*) <> 24
    """)
        == []
    )
    schedule = f"from '{company.truth}/schedule.parquet' where usage_hour < '2026-11-01'"
    where = "platform, sub_platform, capacity_pool, cost_model, lyft_label, proportion, basis"
    assert (
        _rows(f"""
        select usage_hour::date, {where}, interval_hours {schedule}
        group by all having count(*) <> 24 // interval_hours
    """)
        == []
    )
    assert (
        _rows(f"""
        select usage_hour, interval_hours, platform, sub_platform, capacity_pool, cost_model
        {schedule} group by all having sum(proportion) <> 1
    """)
        == []
    )


@pytest.mark.parametrize("pooling", ["none", "family"])
def test_the_split_of_a_day_conserves_it(company: SimulationResult, pooling: str) -> None:
    key = "usage_hour, product, charge_class"
    assert (
        _rows(f"""
        with costs as (
            select {key}, sum(true_cost_{pooling})::decimal(38, 20) as amount
            from '{company.truth}/true_cost.parquet' group by all
        ),
        spend as (
            select {key}, sum(spend_{pooling})::decimal(38, 20) as amount
            from '{company.truth}/enriched_spend.parquet' group by all
        )
        select * from costs full join spend using ({key})
        where costs.amount is distinct from spend.amount
    """)
        == []
    )


def test_nobody_shares_out_a_platform_before_it_begins(company: SimulationResult) -> None:
    found = {
        (platform, name): since
        for platform, name, since in _rows(f"""
            select platform, sub_platform, min(usage_hour)
            from '{company.truth}/enriched_spend.parquet' where platform is not null group by all
        """)
    }
    assert found == {
        place: max(one.since, utc("2026-08-01")) for place, one in SUB_PLATFORMS.items()
    }


def test_aws_restated_a_month_long_after_it_was_paid(
    company: SimulationResult, bill: list[Line]
) -> None:
    month = company.bill / "cur" / "demo-daily" / "20260801-20260901"
    current = json.loads((month / "demo-daily-Manifest.json").read_text())
    written = (month / "demo-daily-Manifest.json").stat().st_mtime
    assert datetime.fromtimestamp(written, UTC) == datetime(2026, 10, 14, 8, tzinfo=UTC)
    (path,) = company.earlier.glob("cur/demo-daily/20260801-20260901/demo-daily-Manifest.json")
    assert path.stat().st_mtime < written
    manifest = json.loads(path.read_text())
    assert manifest["assemblyId"] != current["assemblyId"]
    lines = [line for key in manifest["reportKeys"] for line in legacy_lines(company.earlier / key)]
    days = {str(line["line_item_usage_start_date"])[:10] for line in lines}
    assert len(days) == 31
    # What changed are the tags of one service, and what S3 cost.
    now = [line for line in bill if _period(line) == "2026-08"]
    for product, is_same in (("AmazonEC2", True), ("AmazonS3", False)):
        cost = [
            _sum(
                [
                    line
                    for line in some
                    if line["line_item_product_code"] == product
                    and line.kind in ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage")
                ],
                "line_item_unblended_cost",
            )
            for some in (lines, now)
        ]
        assert (cost[0] == cost[1]) is is_same
        assert cost[0] <= cost[1]


def test_hours_that_the_tracker_lost_have_what_was_seen_before(company: SimulationResult) -> None:
    lost = "usage_hour between '2026-11-12 09:00' and '2026-11-12 14:00'"
    assert _rows(f"""
        select count(*) from '{company.kubernetes}/cluster=core-0/*/scrape_hours.parquet'
        where {lost}
    """) == [(0,)]
    shares = "select lyft_label, capacity_pool, cost_model, proportion"
    of_core = f"from '{company.truth}/schedule.parquet' where sub_platform = 'core-0'"
    assert _rows(f"select distinct basis {of_core} and {lost}") == [("carried_forward",)]
    before = _rows(f"{shares} {of_core} and usage_hour = '2026-11-12 08:00' order by all")
    assert before
    for hour in range(9, 15):
        assert (
            _rows(f"{shares} {of_core} and usage_hour = '2026-11-12 {hour}:00' order by all")
            == before
        )
    assert _rows(f"select distinct basis {of_core} and usage_hour = '2026-11-12 15:00'") == [
        ("measured",)
    ]


def test_a_function_sets_itself_off_for_some_days(company: SimulationResult) -> None:
    days = dict(
        _rows(f"""
            select strftime(usage_hour, '%d'), sum(spend_none)
            from '{company.truth}/enriched_spend.parquet'
            where lyft_label = '{LOOP.service}' and product = '{LOOP.product}'
            and usage_hour >= '2026-11-01' group by all
        """)
    )
    assert all(days[day] > 20 * days["04"] for day in ("10", "11", "12"))
    assert days["14"] < 2 * days["04"]


def test_services_leave_their_machines_while_the_clusters_grow() -> None:
    machines = Machines(Chance(2019), 1.0)

    def running(day: str) -> list[tuple[str, str]]:
        found = [one.machine for one in machines.on_day(utc(day))]
        return [(one.cluster or one.mark.label, one.instance_type.name) for one in found]

    movers = {one.fleet.service for one in MIGRATIONS}
    assert {name for name, _ in running("2025-10-01")} >= movers
    assert not {name for name, _ in running("2026-09-30")} & movers
    nodes = [
        running(day).count(("core-0", "c5.18xlarge"))
        for day in ("2025-10-01", "2025-12-01", "2026-03-01", "2026-07-01")
    ]
    assert nodes == [1, 2, 3, 4]


def test_the_demo_says_what_there_is_to_see() -> None:
    said = cli._WHAT_TO_SEE
    assert f"{LOOP.service} jumps on {LOOP.since.day} November" in said
    assert LOOP.since.month == 11 and (LOOP.until - LOOP.since).days < 4
    assert len(MIGRATIONS) == 5 and "five services" in said
