"""Forty payers in one warehouse: what cannot be right of some takes none of the others down.

Every payer has a report of its own, of a month that is open on day 12. It has two hours of usage
and the same costs, unless it says so here; whoever can be right has commitments beside them, which
are paid for the whole month, or ahead.
"""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from infraspend.builder import BuildResult
from infraspend.loaders import aws_cur
from infraspend.publishers.marts import publish
from tests.end_to_end.companies import WITHOUT_UNIT_TESTS, Company, company_in
from tests.end_to_end.test_open_month import (
    savings_plan,
    ten_reservations,
    upfront_reservations,
)
from tests.loaders.bills import Row, charge, deliver_legacy, text_of

pytestmark = pytest.mark.thorough

PAYERS = [f"7000000000{number:02}" for number in range(40)]
CONTRADICTED, TOO_SMALL, TWICE, REAL, PRO_FORMA, LEFT, JOINED = PAYERS[:7]
BROKEN = {CONTRADICTED: "90", TOO_SMALL: "1", TWICE: "6", REAL: "3", PRO_FORMA: "2.5"}
INVOICED = PAYERS[-1]
"""Whose bill is 3 dollars, and commitments, as everybody's."""
"""Who cannot be right -> what its bill adds up to."""

SHARED, MOVED = "711111111111", "722222222222"
"""An account on the bills of two payers, and one that moves from one to the other at 01:30."""


ELAPSED = 11 * 24
"""The hours of the month that are past."""


def hour_of(number: int, cost: str, account: str, **values: str) -> Row:
    start, end = (f"2026-11-01T{hour:02}:00:00Z" for hour in (number, number + 1))
    return charge(
        identity__TimeInterval=f"{start}/{end}",
        bill__BillingPeriodStartDate="2026-11-01T00:00:00.000Z",
        lineItem__UsageStartDate=start,
        lineItem__UsageEndDate=end,
        lineItem__UsageAccountId=account,
        lineItem__UnblendedCost=cost,
        **values,
    )


def lines_of(payer: str) -> list[Row]:
    """The lines of a payer's bill: 1 and 2 dollars, in its own account."""
    account = {REAL: SHARED, PRO_FORMA: SHARED, LEFT: MOVED, JOINED: MOVED}.get(payer, payer)
    costs = [(0, "1"), (1, "2")]
    if payer == PRO_FORMA:
        costs = [(0, "0.5"), (1, "2")]
    elif payer == JOINED:
        costs = [(1, "1"), (2, "2")]
    lines = [hour_of(hour, cost, account) for hour, cost in costs]
    if payer == CONTRADICTED:
        # A tenth off, and net costs that are half of it.
        lines = [
            hour_of(0, "100", account, lineItem__NetUnblendedCost="90"),
            hour_of(1, "0", account, lineItem__NetUnblendedCost="0"),
            hour_of(
                *(1, "-5", account),
                lineItem__LineItemType="EdpDiscount",
                lineItem__NetUnblendedCost="0",
            ),
        ]
    elif payer == TOO_SMALL:
        lines = [hour_of(0, "100", account, lineItem__NetUnblendedCost="1")]
    return [dict(line) | {"bill/PayerAccountId": payer} for line in lines]


def commitments_of(payer: str) -> tuple[Iterable[Row], str, str]:
    """Commitments of the first eleven days, what they truly cost, and what is to come."""
    of_kind = PAYERS.index(payer) % 4
    if of_kind == 0:
        return ten_reservations(payer, ELAPSED), "2640", "4560"
    if of_kind == 1:
        return ten_reservations(payer, ELAPSED, whole_month=False), "2640", "0"
    if of_kind == 2:
        # 0.1159240437 of each hour.
        return upfront_reservations(payer, ELAPSED), "30.6039475368", "52.8613639272"
    return savings_plan(payer, ELAPSED, ahead=48), "264", "48"


OTHERS = {
    payer: f"{Decimal(3) + Decimal(commitments_of(payer)[1]):f}"
    for payer in PAYERS
    if payer not in BROKEN
}
"""Who can be right -> what its bill truly costs."""


def deliver(company: Company, payer: str, lines: Iterable[Row], **named: str) -> None:
    rows = [dict(line) for line in lines]
    columns = dict.fromkeys(column for row in rows for column in row)
    whole = [dict.fromkeys(columns, "") | row for row in rows]
    names = {"report": f"of-{payer}", "assembly": f"of-{payer}"} | named
    deliver_legacy(company.bill, text_of(whole), period="20261101-20261201", **names)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Company:
    """All of them, landed; somebody has a second report of the same bill."""
    company = company_in(tmp_path_factory.mktemp("payers"), project)
    for payer in PAYERS:
        more = [] if payer in BROKEN else commitments_of(payer)[0]
        deliver(company, payer, [*lines_of(payer), *more])
    deliver(company, TWICE, lines_of(TWICE), report="again", assembly="again")
    company.declare()
    company.load()
    return company


@pytest.fixture(scope="module")
def result(company: Company) -> BuildResult:
    """How their build went."""
    return company.build(*WITHOUT_UNIT_TESTS)


def costs(company: Company, mart: str = "true_cost", column: str = "true_cost") -> dict[str, str]:
    return {
        payer: f"{cost.normalize():f}"
        for payer, cost in company.rows(
            f"select payer_account_id, sum({column}) from marts.{mart} group by all"
        )
    }


def test_the_others_are_built_to_the_last_digit(company: Company, result: BuildResult) -> None:
    assert result.succeeded, "\n".join(result.failures)
    assert len(OTHERS) == 35
    assert costs(company) == OTHERS
    assert costs(company, "enriched_spend", "spend") == OTHERS
    to_come = {payer: commitments_of(payer)[2] for payer in OTHERS}
    assert costs(company, "true_cost", "cost_to_come") == to_come


def test_the_build_names_who_is_left_out_with_the_dollars(result: BuildResult) -> None:
    (warning,) = result.warnings
    assert warning.startswith("periods_are_left_out ")
    assert "found 5, the first: billing_period=2026-11" in warning
    for payer, cost in BROKEN.items():
        assert f"payer_account_id={payer}, billed_cost={Decimal(cost):.18f}" in warning
    for evidence in (
        "difference=-5.0000000000: have AWS correct the report",
        "reason=net_costs_too_small",
        f"account {TWICE} is on the reports again and of-{TWICE}",
        f"account {SHARED} has 2 hours on the bill of payer {PRO_FORMA} too: name in reports.csv",
        f"account {SHARED} has 2 hours on the bill of payer {REAL} too",
    ):
        assert evidence in warning


@pytest.mark.usefixtures("result")
def test_an_account_that_moved_stays_on_both_bills(company: Company) -> None:
    assert company.rows(
        "select payer_account_id, sum(true_cost) from marts.true_cost"
        f" where account_id = '{MOVED}' group by all order by 1"
    ) == [(LEFT, Decimal(3)), (JOINED, Decimal(3))]


@pytest.mark.usefixtures("result")
def test_the_bridge_says_what_is_left_out(company: Company) -> None:
    bridge = company.rows(
        "select payer_account_id, amount from marts.invoice_bridge"
        " where bridge_item = 'left_out' and amount <> 0 order by 1"
    )
    assert bridge == [(payer, -Decimal(cost)) for payer, cost in BROKEN.items()]


def test_what_is_left_may_be_published(
    company: Company, result: BuildResult, tmp_path: Path
) -> None:
    assert result.may_be_published
    publish(company.warehouse, tmp_path / "published")
    published = tmp_path / "published" / "marts" / "true_cost" / "*" / "*.parquet"
    assert {
        payer: f"{cost.normalize():f}"
        for payer, cost in duckdb.sql(
            f"select payer_account_id, sum(true_cost) from read_parquet('{published}') group by all"
        ).fetchall()
    } == OTHERS


@pytest.mark.usefixtures("result")
def test_what_is_left_out_has_its_name_beside_cost_explorers_cost(company: Company) -> None:
    found: dict[str, dict[str, Decimal]] = {}
    for _, payer, item, amount in company.answers("why_not_what_cost_explorer_says"):
        found.setdefault(payer, {})[item] = amount
    assert {items["unexplained"] for items in found.values()} == {0}
    assert {payer: items["left_out"] for payer, items in found.items() if "left_out" in items} == {
        # Before the discount of 5, before its net costs, and so on.
        CONTRADICTED: Decimal(-95),
        TOO_SMALL: Decimal(-100),
        TWICE: Decimal(-6),
        REAL: Decimal(-3),
        PRO_FORMA: Decimal("-2.5"),
    }


@pytest.mark.usefixtures("result")
def test_a_chosen_report_is_the_bill_of_the_account_of_two_payers(company: Company) -> None:
    chosen = [(f"{REAL}/of-{REAL}", PRO_FORMA), (f"of-{TWICE}", TWICE)]
    company.declare(
        reports=[{"report": report, "payer_account_id": payer} for report, payer in chosen],
        invoice_totals=[
            {
                "payer_account_id": INVOICED,
                "billing_period": "2026-11",
                "invoice_id": "E1",
                "amount": "999",
            }
        ],
    )

    again = company.build(*WITHOUT_UNIT_TESTS)

    assert again.succeeded, "\n".join(again.failures)
    assert again.may_be_published
    expected = OTHERS | {REAL: "3", TWICE: "3"}
    del expected[INVOICED]
    assert costs(company) == expected
    invoices, left_out = sorted(again.warnings)
    assert invoices.startswith("invoices_say_what_the_bill_says ")
    assert "found 3, " in left_out
    assert "invoice E1 is 999.0000000000 in invoice_totals.csv and nothing on the bill" in left_out

    # An account that only the report has that was not chosen would be on no bill.
    more = [
        *lines_of(PRO_FORMA),
        dict(lines_of(PRO_FORMA)[0]) | {"lineItem/UsageAccountId": "733333333333"},
    ]
    deliver(company, PRO_FORMA, more, assembly="with-another-account")
    aws_cur.load(company.warehouse, str(company.bill))

    refused = company.build("--select", "+every_period_that_landed_is_served")

    (failure,) = [said for said in refused.failures if said.startswith("every_period")]
    assert f"payer_account_id={PRO_FORMA}, account_id=733333333333" in failure
