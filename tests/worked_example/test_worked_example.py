"""The bill of two teams in two hours, worked out by hand, line by line.

`tests/fixtures/true_cost_example.csv` holds 33 lines in the columns of CUR 2.0; its `exp_` columns
were typed and checked by hand. The bill is delivered in each of the three ways in which AWS
presents a negotiated discount, and each gives the same costs to the last digit.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from tests.end_to_end.companies import WITHOUT_UNIT_TESTS, Company, company_in
from tests.loaders.bills import deliver_legacy, text_of
from tests.workspaces import ROOT

FIXTURE = ROOT / "tests" / "fixtures" / "true_cost_example.csv"
CATEGORIES = {
    "identity": "identity",
    "bill": "bill",
    "line_item": "lineItem",
    "pricing": "pricing",
    "product": "product",
    "reservation": "reservation",
    "savings_plan": "savingsPlan",
}
LABEL_RULE = {
    "rule_order": "10",
    "match_on": "tag",
    "match_key": "user_team",
    "match_type": "present",
    "lyft_label": "{value}",
}
INVOICE = Decimal("891.0466367890")
TRUE_COST = Decimal("102.8266367890")
Line = dict[str, str]
Costs = dict[tuple[str, ...], Decimal]

DISCOUNT_AS: dict[str, Callable[[list[Line]], list[Line]]] = {
    "net columns and lines": lambda lines: lines,
    "lines only": lambda lines: [
        {column: value for column, value in line.items() if "_net_" not in column} for line in lines
    ],
    "net columns only": lambda lines: [
        line for line in lines if line["line_item_line_item_type"] != "EdpDiscount"
    ],
}


def lines_of_the_bill() -> list[Line]:
    with FIXTURE.open(newline="") as file:
        return list(csv.DictReader(file))


def legacy_name(column: str) -> str:
    """A CUR 2.0 column under its name in a legacy report."""
    if column == "resource_tags_user_team":
        return "resourceTags/user:team"
    category = max((name for name in CATEGORIES if column.startswith(name + "_")), key=len)
    words = column.removeprefix(category + "_").split("_")
    name = re.sub(r"ARN$", "ARN", "".join(word.capitalize() for word in words))
    return f"{CATEGORIES[category]}/{name[0].lower() + name[1:] if category == 'product' else name}"


def delivered(line: Line) -> Line:
    hour, end = line["line_item_usage_start_date"], line["line_item_usage_end_date"]
    interval = {"identity/TimeInterval": f"{hour}/{end}"}
    return interval | {
        legacy_name(column): value
        for column, value in line.items()
        if not column.startswith("exp_") and column != "row_no"
    }


@pytest.fixture(
    params=[
        "lines only",
        pytest.param("net columns and lines", marks=pytest.mark.thorough),
        pytest.param("net columns only", marks=pytest.mark.thorough),
    ]
)
def company(request: pytest.FixtureRequest, tmp_path: Path, project: Path) -> Company:
    """The bill, landed, with its discount presented in one of three ways."""
    lines = DISCOUNT_AS[request.param](lines_of_the_bill())
    text = text_of([delivered(line) for line in lines])
    company = company_in(tmp_path, project)
    deliver_legacy(company.bill, text, period="20261101-20261201")
    company.declare(label_rules=[LABEL_RULE])
    company.load()
    return company


def build_marts(company: Company, variables: str = "") -> None:
    """Builds with other variables than the defaults, which are family and label."""
    select = ("--select", "+invoice_bridge", "--indirect-selection", "cautious")
    others = ("--vars", f"{{{variables}}}") if variables else ()
    result = company.build(*select, *WITHOUT_UNIT_TESTS, *others)
    assert result.succeeded, result.failures


def costs_by_hand(lines: list[Line], column: str) -> Costs:
    """The expected costs, by the key of a row of the mart."""
    costs: Costs = defaultdict(Decimal)
    for line in lines:
        label = line["resource_tags_user_team"] or "unlabeled"
        if line["line_item_line_item_type"] == "RIFee":
            label = "_unused_ri"
        if line["line_item_line_item_type"] == "SavingsPlanRecurringFee":
            label = "_unused_sp"
        key = (
            line["line_item_usage_account_id"],
            label,
            line["line_item_usage_type"],
            line["exp_charge_class"],
            line["line_item_usage_start_date"][:13],
        )
        costs[key] += Decimal(line[column])
    return {key: cost for key, cost in costs.items() if cost}


def wasted(costs: Costs) -> Costs:
    """What was unused of the reservation was wasted in the second hour, all of it."""
    fee = ("111111111111", "_unused_ri", "HeavyUsage:m5.xlarge", "commitment_fee", "2026-11-30T22")
    hour = (*fee[:3], "unused_commitment", "2026-11-30T23")
    return {hour if key == fee else key: cost for key, cost in costs.items()}


def costs_of_mart(company: Company, column: str) -> Costs:
    query = f"""
        select
            account_id,
            lyft_label,
            coalesce(usage_type, ''),
            charge_class,
            strftime(usage_hour, '%Y-%m-%dT%H'),
            sum({column})
        from marts.true_cost
        group by all
        having sum({column}) <> 0
    """
    return {tuple(row[:-1]): row[-1] for row in company.rows(query)}


def bridge_of(company: Company) -> dict[str, Decimal]:
    query = "select bridge_item, amount from marts.invoice_bridge"
    return dict(company.rows(query))


def test_every_cost_is_the_one_worked_out_by_hand(company: Company) -> None:
    lines = lines_of_the_bill()

    build_marts(company)

    assert costs_of_mart(company, "net_amortized_cost") == costs_by_hand(
        lines, "exp_net_amortized_cost"
    )
    assert costs_of_mart(company, "true_cost") == wasted(costs_by_hand(lines, "exp_true_cost"))
    assert bridge_of(company) == {
        "invoice": INVOICE,
        "cast_digits": 0,
        "ri_used": Decimal("0.3465"),
        "sp_used": bridge_by_hand(company, "sp_used"),
        "sp_negation": bridge_by_hand(company, "sp_negation"),
        "ri_upfront_fee": Decimal("-788.40"),
        "sp_upfront_fee": 0,
        "ri_recurring_fee": Decimal("-0.1665"),
        "sp_recurring_fee": Decimal("-0.2340"),
        "prepayment_refund": 0,
        "amortized_prepayment": 0,
        "discount_timing": 0,
        "commitment_to_come": 0,
        "aws_rounding": 0,
        "left_out": 0,
        "unexplained": 0,
        "true_cost": TRUE_COST,
    }


@pytest.mark.thorough
def test_so_it_is_without_pooling_and_with_unused_commitments_spread(company: Company) -> None:
    lines = lines_of_the_bill()

    build_marts(company, "true_cost_pooling: none")

    assert bridge_of(company)["unexplained"] == 0
    assert costs_of_mart(company, "true_cost") == wasted(
        costs_by_hand(lines, "exp_net_amortized_cost")
    )

    build_marts(company, "unused_commitment: spread")

    assert bridge_of(company)["unexplained"] == 0
    assert costs_of_mart(company, "true_cost") == costs_by_hand(
        lines, "exp_true_cost_unused_spread"
    )


def bridge_by_hand(company: Company, item: str) -> Decimal:
    """What covered usage and its negation moved; a discount line names neither of them."""
    query = "select bool_or(line_item_net_unblended_cost is not null) from raw_aws_cur.line_items"
    has_net_costs = company.one(query)
    by_hand = {
        "sp_used": ("-0.0918", "-0.1280"),
        "sp_negation": ("0.3258", "0.3620"),
    }
    return Decimal(by_hand[item][0 if has_net_costs else 1])
