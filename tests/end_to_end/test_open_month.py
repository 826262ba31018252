"""A month while it is still going on: hours that have not happened cost nothing yet.

Every payer has a bill of November. It is delivered on the 12th, the 13th, the 20th and when AWS
has closed it, each time with the usage of the days before; what AWS says of commitments speaks of
the whole month, or of hours ahead, from the first day on.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from infraspend.builder.seeds import SEED_COLUMNS
from tests.end_to_end.companies import WITHOUT_UNIT_TESTS, Company, built, company_in
from tests.end_to_end.test_commitments import FEE, M5, covered, fee_of, plan_of, reserved
from tests.loaders.bills import Row, charge, deliver_legacy, text_of

pytestmark = pytest.mark.thorough

FIRST = datetime(2026, 11, 1)
HOURS = 720
DAYS = (12, 13, 20)
CLOSED = 31
"""The day on which AWS delivers what is final: the first of December."""

TEN, SO_FAR, UPFRONT = "800000000010", "800000000011", "800000000012"
ONE, AHEAD, IDLE = "800000000020", "800000000021", "800000000022"
PLANNED = "800000000030"
MIDDAY, DAILY, DAILY_PLAN = "800000000040", "800000000050", "800000000051"
STEADY, BY_DAY = "800000000060", "800000000061"
LATE = Decimal("0.5")
"""What AWS adds on the 13th to the bill of the 10th."""


def at(hour: int) -> str:
    return (FIRST + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:00:00Z")


def line(
    payer: str,
    kind: str,
    cost: object,
    hour: int,
    *parts: Row,
    hours: int = 1,
    grain: int = 1,
    team: str = "",
) -> Row:
    """A line of an hour of the month, or of several."""
    row: dict[str, str] = {
        **charge(
            identity__TimeInterval=f"{at(hour)}/{at(hour + grain)}",
            bill__PayerAccountId=payer,
            lineItem__UsageAccountId=payer,
            bill__BillingPeriodStartDate="2026-11-01T00:00:00.000Z",
            bill__InvoiceId="",
            lineItem__LineItemType=kind,
            lineItem__UsageStartDate=at(hour),
            lineItem__UsageEndDate=at(hour + hours),
            lineItem__UnblendedCost=str(cost),
            lineItem__UsageAmount="1",
        )
    }
    for part in parts:
        row |= part
    return row | {"resourceTags/user:team": team}


def used_of_ten(hour: int) -> int:
    """How many of ten reserved instances run: 8, and 9 from the 13th on."""
    return 8 if hour < 12 * 24 else 9


def ten_reservations(payer: str, until: int, whole_month: bool = True) -> Iterator[Row]:
    """Ten reservations of 1.00 an hour."""
    arn = f"arn:{payer}"
    for hour in range(until):
        for _ in range(used_of_ten(hour)):
            yield line(payer, "DiscountedUsage", 0, hour, M5, reserved("1", arn=arn), team="web")
    spoken_of = HOURS if whole_month else until
    unused = 10 * spoken_of - sum(used_of_ten(hour) for hour in range(until))
    fee = fee_of("0", "0", str(unused), arn, count="10")
    yield line(payer, "RIFee", 10 * spoken_of, 0, FEE, fee, hours=HOURS)


def upfront_reservations(payer: str, until: int) -> Iterator[Row]:
    """Three reservations, of 0.0386413479 an hour upfront; two are used."""
    arn, each = f"arn:{payer}", Decimal("0.0386413479")
    for hour in range(until):
        for _ in range(2):
            usage = reserved(str(each), str(each), arn=arn)
            yield line(payer, "DiscountedUsage", 0, hour, M5, usage, team="web")
    unused = each * (3 * HOURS - 2 * until)
    fee = fee_of(str(each * 3 * HOURS), str(unused), arn=arn, count="3")
    yield line(payer, "RIFee", 0, 0, FEE, fee, hours=HOURS)


def savings_plan(payer: str, until: int, ahead: int) -> Iterator[Row]:
    """A plan of 1.00 an hour, of which 0.60 are used; its fees are ahead of usage."""
    arn = f"arn:{payer}"
    for hour in range(min(HOURS, until + ahead)):
        used = "0.6" if hour < until else "0"
        yield line(payer, "SavingsPlanRecurringFee", 1, hour, plan_of("1", used, "1", "0", arn))
    for hour in range(until):
        usage = covered("0.6", arn)
        yield line(payer, "SavingsPlanCoveredUsage", "0.9", hour, M5, usage, team="web")
        yield line(payer, "SavingsPlanNegation", "-0.9", hour, M5, covered("", arn))


def the_first_two_days() -> Iterator[Row]:
    """Payers whose usage ends with the second day."""
    for hour in range(48):
        usage = reserved("0.04", arn="arn:one")
        yield line(ONE, "DiscountedUsage", 0, hour, M5, usage, team="web")
    unused = fee_of("0", "0", str(Decimal("0.04") * 672), "arn:one")
    yield line(ONE, "RIFee", Decimal("0.04") * HOURS, 0, FEE, unused, hours=HOURS)
    # 33.60 for the rest of the month.
    for hour in range(HOURS):
        used = "0.05" if hour < 48 else "0"
        fee = plan_of("0.05", used, "0.05", "0", "arn:ahead")
        yield line(AHEAD, "SavingsPlanRecurringFee", "0.05", hour, fee)
    for hour in range(48):
        usage = covered("0.05", "arn:ahead")
        yield line(AHEAD, "SavingsPlanCoveredUsage", "0.08", hour, M5, usage, team="web")
        yield line(AHEAD, "SavingsPlanNegation", "-0.08", hour, M5, covered("", "arn:ahead"))
    # In the middle of the second day.
    yield from ten_reservations(MIDDAY, 37)
    yield from steady(range(72))
    # Who has used nothing at all yet.
    for hour in range(12):
        fee = plan_of("0.05", "0", "0.05", "0", "arn:idle")
        yield line(IDLE, "SavingsPlanRecurringFee", "0.05", hour, fee)


def the_first_days_by_day() -> Iterator[Row]:
    """A daily report in the afternoon of the third day: ten reservations and a plan, as hourly."""
    arn = f"arn:{DAILY}"
    spans = [(0, 24), (24, 24), (48, 13)]
    for hour, hours in spans:
        # The grain is known from what nothing covers.
        yield line(BY_DAY, "Usage", 1, hour, hours=hours, grain=24)
        for _ in range(8):
            usage = reserved(str(hours), arn=arn, units=str(8 * hours))
            parts = (M5, usage)
            yield line(DAILY, "DiscountedUsage", 0, hour, *parts, hours=hours, grain=24, team="web")
        covers = covered(str(Decimal("0.6") * hours), f"arn:{DAILY_PLAN}")
        list_cost = Decimal("0.9") * hours
        parts = (M5, covers)
        yield line(
            *(DAILY_PLAN, "SavingsPlanCoveredUsage", list_cost, hour, *parts),
            hours=hours,
            grain=24,
            team="web",
        )
        yield line(
            *(DAILY_PLAN, "SavingsPlanNegation", -list_cost, hour, *parts), hours=hours, grain=24
        )
        fee = plan_of("24", str(Decimal("0.6") * hours), "24", "0", f"arn:{DAILY_PLAN}")
        yield line(DAILY_PLAN, "SavingsPlanRecurringFee", 24, hour, fee, hours=24, grain=24)
    unused = fee_of("0", "0", str(10 * HOURS - 8 * 61), arn, count="10")
    yield line(DAILY, "RIFee", 10 * HOURS, 0, FEE, unused, hours=HOURS, grain=24)


def steady(hours: range) -> Iterator[Row]:
    """The same for a dollar in every hour, whatever the month."""
    for hour in hours:
        listed = {"lineItem/ProductCode": "AmazonS3", "pricing/publicOnDemandCost": "1"}
        yield line(STEADY, "Usage", 1, hour, listed, team="steady")


def october() -> Iterator[Row]:
    """All of it, on a bill that is closed."""
    of_october = {
        "bill/BillingPeriodStartDate": "2026-10-01T00:00:00.000Z",
        "bill/InvoiceId": "E0",
    }
    for row in steady(range(-744, 0)):
        yield dict(row) | of_october


def bill_of(day: int) -> Iterator[Row]:
    """What AWS delivers on a day."""
    until = min(HOURS, (day - 1) * 24)
    yield from ten_reservations(TEN, until)
    yield from ten_reservations(SO_FAR, until, whole_month=False)
    yield from upfront_reservations(UPFRONT, until)
    yield from savings_plan(PLANNED, until, ahead=48)
    yield line(PLANNED, "Usage", 2, 9 * 24, team="api")
    if day > 12:
        yield line(PLANNED, "Usage", LATE, 9 * 24, team="api")


def deliver(
    company: Company,
    day: int,
    lines: Iterable[Row],
    report: str = "hourly",
    period: str = "20261101-20261201",
) -> None:
    """Delivers what AWS says on a day."""
    invoice = {"bill/InvoiceId": "E1"} if day == CLOSED else {}
    rows = [dict(row) | invoice for row in lines]
    columns = dict.fromkeys(column for row in rows for column in row)
    whole = [dict.fromkeys(columns, "") | row for row in rows]
    deliver_legacy(
        company.bill,
        text_of(whole),
        report=report,
        period=period,
        assembly=f"{report}-{period}-day-{day}",
        written=FIRST + timedelta(days=day - 1, hours=6),
    )


def delivered(company: Company, day: int, lines: Iterable[Row]) -> Company:
    """The company with the day's delivery landed and built."""
    deliver(company, day, lines)
    return built(company, *WITHOUT_UNIT_TESTS)


def new_company(root: Path, project: Path) -> Company:
    company = company_in(root, project)
    rule = ("10", "tag", "user_team", "present", "", "{value}", "", "")
    company.declare(label_rules=[dict(zip(SEED_COLUMNS["label_rules"], rule, strict=True))])
    return company


def unused(company: Company, payer: str) -> dict[date, Decimal]:
    """What a payer's commitments wasted, day by day, as daily spend has it."""
    return dict(
        company.rows(
            f"""
            select cast(usage_hour as date), sum(true_cost) from marts.true_cost
            where lyft_label in ('_unused_ri', '_unused_sp') and payer_account_id = '{payer}'
            group by all having sum(true_cost) <> 0
            """
        )
    )


def bridge(company: Company, payer: str) -> dict[str, Decimal]:
    return dict(
        company.rows(
            f"""
            select bridge_item, amount from marts.invoice_bridge
            where payer_account_id = '{payer}' and amount <> 0
            """
        )
    )


def differences(company: Company, payer: str) -> dict[str, Decimal]:
    """Why a payer's true cost is not AWS's amortized cost."""
    return {
        item: amount
        for _, of_payer, item, amount in company.answers("why_not_what_cost_explorer_says")
        if of_payer == payer and amount != 0
    }


def daily_spend(company: Company) -> dict[tuple[date, str], Decimal]:
    return {
        (day, label): spend
        for day, label, spend in company.rows(
            "select usage_date, lyft_label, sum(spend) from marts.daily_spend group by all"
        )
    }


@pytest.fixture(scope="module")
def open_month(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Company:
    """Payers whose usage ends with the second day, in the middle of it, or of the third one."""
    company = new_company(tmp_path_factory.mktemp("open"), project)
    deliver(company, 3, the_first_days_by_day(), "daily")
    deliver(company, 1, october(), period="20261001-20261101")
    return delivered(company, 3, the_first_two_days())


def test_one_reservation_used_in_all_48_hours_wastes_nothing(open_month: Company) -> None:
    assert unused(open_month, ONE) == {}
    assert open_month.rows(
        "select distinct utilization from marts.commitment_usage"
        " where commitment_id = 'arn:one' and usage_hour < '2026-11-03'"
    ) == [(1,)]
    assert bridge(open_month, ONE) == {
        "invoice": Decimal("28.8"),
        "ri_used": Decimal("1.92"),
        "ri_recurring_fee": Decimal("-1.92"),
        "commitment_to_come": Decimal("-26.88"),
        "true_cost": Decimal("1.92"),
    }


def test_nobody_knows_yet_what_a_plan_wastes_in_hours_to_come(open_month: Company) -> None:
    assert unused(open_month, AHEAD) == {}
    assert open_month.rows(
        "select distinct commitment_cost, used_cost, unused_cost, utilization, coverage"
        " from marts.commitment_usage"
        " where commitment_id = 'arn:ahead' and usage_hour >= '2026-11-03'"
    ) == [(Decimal("0.05"), None, None, None, None)]
    assert bridge(open_month, AHEAD) == {
        "invoice": Decimal("36"),
        "sp_used": Decimal("-1.44"),
        "sp_negation": Decimal("3.84"),
        "sp_recurring_fee": Decimal("-2.4"),
        "commitment_to_come": Decimal("-33.6"),
        "true_cost": Decimal("2.4"),
    }
    assert open_month.rows(
        "select charge_class, count(*), sum(true_cost), sum(cost_to_come) from marts.true_cost"
        f" where payer_account_id = '{AHEAD}' and usage_hour >= '2026-11-03' group by all"
    ) == [("commitment_to_come", 672, 0, Decimal("33.6"))]


def test_a_payer_that_has_used_nothing_has_wasted_nothing_yet(open_month: Company) -> None:
    assert unused(open_month, IDLE) == {}
    assert bridge(open_month, IDLE) == {
        "invoice": Decimal("0.6"),
        "commitment_to_come": Decimal("-0.6"),
    }


def test_there_is_no_spend_on_days_to_come(open_month: Company) -> None:
    days = {day for day, _ in daily_spend(open_month) if day.month == 11}
    assert days == {date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 3)}
    assert open_month.one(
        "select max(usage_hour) from marts.true_cost where true_cost <> 0"
        f" and payer_account_id in ('{ONE}', '{AHEAD}', '{IDLE}')"
    ) == datetime(2026, 11, 2, 23)


def test_a_month_that_goes_on_is_not_complete(open_month: Company) -> None:
    for mart in ("monthly_spend", "invoice_bridge", "price_changes"):
        assert open_month.rows(
            f"select distinct billing_period, is_complete from marts.{mart}"
            " where billing_period = '2026-11'"
        ) == [("2026-11", False)]
    assert open_month.rows(
        "select distinct is_complete from marts.monthly_spend where billing_period = '2026-10'"
    ) == [(True,)]


def test_in_the_middle_of_a_day_its_later_hours_are_to_come(open_month: Company) -> None:
    assert unused(open_month, MIDDAY) == {
        date(2026, 11, 1): Decimal(48),
        date(2026, 11, 2): Decimal(26),
    }
    assert bridge(open_month, MIDDAY)["commitment_to_come"] == -10 * (HOURS - 37)


def test_a_day_that_is_going_on_has_wasted_nothing_yet(open_month: Company) -> None:
    """The daily report has one line for it, in which nobody sees the hours to come."""
    days = [date(2026, 11, 1), date(2026, 11, 2)]
    assert unused(open_month, DAILY) == dict.fromkeys(days, Decimal(48))
    assert unused(open_month, DAILY_PLAN) == dict.fromkeys(days, Decimal("9.6"))
    assert bridge(open_month, DAILY) == {
        "invoice": Decimal(7200),
        "ri_used": Decimal(488),
        "ri_recurring_fee": Decimal(-488),
        "commitment_to_come": Decimal(-6616),
        "true_cost": Decimal(584),
    }
    assert open_month.rows(
        "select cast(usage_hour as date), commitment_cost, unused_cost, utilization"
        f" from marts.commitment_usage where payer_account_id = '{DAILY_PLAN}' order by all"
    ) == [
        *((day, 24, Decimal("9.6"), Decimal("0.6")) for day in days),
        (date(2026, 11, 3), 24, None, None),
    ]
    # 24 of the day's fee, of which 7.8 are used.
    assert bridge(open_month, DAILY_PLAN) == {
        "invoice": Decimal(72),
        "sp_used": Decimal("-18.3"),
        "sp_negation": Decimal("54.9"),
        "sp_recurring_fee": Decimal("-36.6"),
        "commitment_to_come": Decimal("-16.2"),
        "true_cost": Decimal("55.8"),
    }


def test_three_days_after_a_month_of_31_are_no_price_fall(open_month: Company) -> None:
    assert open_month.rows(
        "select previous_spend, spend, length_effect, volume_effect, rate_effect,"
        " commitment_effect from marts.price_changes where lyft_label = 'steady'"
    ) == [(744, 72, -672, 0, 0, 0)]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Company:
    return new_company(tmp_path_factory.mktemp("month"), project)


def test_past_days_move_by_what_aws_changed_and_nothing_else(company: Company) -> None:
    """One test: each delivery is compared with the one before."""
    before: dict[tuple[date, str], Decimal] = {}
    for day in (*DAYS, CLOSED):
        delivered(company, day, bill_of(day))
        until = min(30, day - 1)
        now = daily_spend(company)
        passed = {date(2026, 11, number) for number in range(1, until + 1)}
        assert {on for on, _ in now} == passed

        # What AWS says of ten reservations, of which two or one are unused.
        wasted = {on: Decimal(48 if on.day <= 12 else 24) for on in passed}
        assert unused(company, TEN) == wasted
        assert unused(company, SO_FAR) == wasted
        assert unused(company, PLANNED) == dict.fromkeys(passed, Decimal("9.6"))
        assert unused(company, UPFRONT) == dict.fromkeys(passed, 24 * Decimal("0.0386413479"))

        moved = {key: now[key] - spend for key, spend in before.items() if now.get(key) != spend}
        late = {(date(2026, 11, 10), "api"): LATE} if day == 13 else {}
        assert moved == late
        before = now

        to_come = {
            payer: bridge(company, payer).get("commitment_to_come", 0)
            for payer in (TEN, SO_FAR, UPFRONT, PLANNED)
        }
        hours = HOURS - until * 24
        assert to_come == {
            TEN: -10 * hours,
            SO_FAR: 0,
            UPFRONT: -3 * hours * Decimal("0.0386413479"),
            PLANNED: -min(48, hours),
        }
        if day == 12:
            # 5,088 unused of the whole month are 528 so far: two of ten.
            assert bridge(company, TEN) == {
                "invoice": Decimal(7200),
                "ri_used": Decimal(2112),
                "ri_recurring_fee": Decimal(-2112),
                "commitment_to_come": Decimal(-4560),
                "true_cost": Decimal(2640),
            }
            assert differences(company, TEN) == {
                "aws_amortized_cost": Decimal(7200),
                "unused_reservations_on_their_fee": Decimal(-5088),
                "unused_reservations_in_their_hours": Decimal(5088),
                "commitments_to_come": Decimal(-4560),
                "true_cost": Decimal(2640),
            }
            assert company.rows(
                "select distinct utilization, unused_cost from marts.commitment_usage"
                f" where commitment_id = 'arn:{TEN}' and usage_hour < '2026-11-12'"
            ) == [(Decimal("0.8"), Decimal(2))]
    assert company.one("select sum(cost_to_come) from marts.true_cost") == 0
    assert company.rows("select distinct is_complete from marts.monthly_spend") == [(True,)]
    # After every split it is still what AWS bills.
    assert company.rows(
        "select payer_account_id, sum(invoiced_cost) from marts.enriched_spend"
        " group by all order by 1"
    ) == company.rows(
        "select payer_account_id, amount from marts.invoice_bridge"
        " where bridge_item = 'invoice' order by 1"
    )
    assert company.one("select count(*) from marts.commitment_usage where used_cost is null") == 0
