"""Monthly Marketplace contracts, spread over their term by a variable, and otherwise as billed."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.end_to_end.companies import WITHOUT_UNIT_TESTS, Company, built, company_in
from tests.loaders.bills import Row, charge, deliver_legacy, text_of

pytestmark = pytest.mark.thorough

UNIT = Decimal("0.0000000001")


def bought(product: str, cost: str, start: str, end: str, kind: str = "Fee") -> Row:
    return charge(
        identity__TimeInterval=f"{start}/{end}",
        lineItem__UsageStartDate=start,
        lineItem__UsageEndDate=end,
        lineItem__LineItemType=kind,
        lineItem__UnblendedCost=cost,
        lineItem__ProductCode=product,
        bill__BillingEntity="AWS Marketplace",
    )


HOUR = ("2026-10-16T00:00:00Z", "2026-10-16T01:00:00Z")
LINES = [
    # 744 hours and an odd number of units; then 384 hours, whose end AWS does not give.
    bought("of-october", "3000.01", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"),
    bought("from-the-16th", "192", *HOUR),
    bought("by-the-hour", "5", *HOUR, kind="Usage"),
    # A year, of which October is all that is on this bill.
    bought("of-a-year", "744", "2026-10-01T00:00:00Z", "2027-10-01T00:00:00Z"),
    # Corrected on a later bill.
    bought("of-september", "7", "2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z"),
]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Company:
    company = company_in(tmp_path_factory.mktemp("marketplace"), project)
    deliver_legacy(company.bill, text_of(LINES))
    company.declare()
    company.load()
    return company


def days(company: Company, product: str) -> dict[int, Decimal]:
    """Day -> what a product costs on it."""
    return dict(
        company.rows(
            "select day(usage_date), sum(spend) from marts.daily_spend"
            f" where product = '{product}' group by all having sum(spend) <> 0"
        )
    )


def allocated(cost: str, first: int, last: int) -> dict[int, Decimal]:
    """Day -> the units of its 24 hours; what is left over goes one each to the first hours."""
    hours = (last - first + 1) * 24
    each, rest = divmod(int(Decimal(cost) / UNIT), hours)
    return {
        day: (each * 24 + min(max(rest - (day - first) * 24, 0), 24)) * UNIT
        for day in range(first, last + 1)
    }


def test_a_contract_is_spread_only_where_its_product_is_named(company: Company) -> None:
    built(company, *WITHOUT_UNIT_TESTS)
    assert days(company, "of-october") == {1: Decimal("3000.01")}
    assert days(company, "from-the-16th") == {16: Decimal(192)}

    some = company.build(*WITHOUT_UNIT_TESTS, "--vars", "{spread_marketplace: [from-the-16th]}")

    assert some.succeeded, "\n".join(some.failures)
    assert (
        days(company, "from-the-16th")
        == {day: Decimal(12) for day in range(16, 32)}
        == allocated("192", 16, 31)
    )
    assert days(company, "of-october") == {1: Decimal("3000.01")}


def test_all_contracts_are_spread_over_the_month_of_their_bill(company: Company) -> None:
    result = company.build(*WITHOUT_UNIT_TESTS, "--vars", "{spread_marketplace: [all]}")

    assert result.succeeded, "\n".join(result.failures)
    of_october = days(company, "of-october")
    assert of_october == allocated("3000.01", 1, 31)
    assert sum(of_october.values()) == Decimal("3000.01")
    assert days(company, "of-a-year") == {day: Decimal(24) for day in range(1, 32)}
    assert days(company, "by-the-hour") == {16: Decimal(5)}
    assert days(company, "of-september") == {1: Decimal(7)}
    # What AWS said stays where it was.
    assert company.rows(
        "select usage_hour::varchar, sum(unblended_cost) from marts.true_cost"
        " where product = 'of-october' group by all having sum(unblended_cost) <> 0"
    ) == [("2026-10-01 00:00:00", Decimal("3000.01"))]
