"""Hundreds of generated bills, priced by the models and by an implementation of its own.

Each bill is a payer of its own, so that one delivery and one build prove them all; a bill that
comes out wrong is printed, the shortest of them. `--hypothesis-seed` makes other bills.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random

import duckdb
import pytest

from infraspend.builder import build
from infraspend.loaders import aws_cur
from tests.generated_bills import reference
from tests.generated_bills.bills import (
    DISCOUNTS,
    INSTANCES,
    PERIODS,
    SERVERLESS,
    SERVICES,
    SIZES,
    Bill,
    Line,
    drawn,
    period_of,
    units_of,
)
from tests.generated_bills.delivery import deliver
from tests.workspaces import ROOT

pytestmark = pytest.mark.thorough

BILLS = 300
SEED = 20261123
LABEL_RULES = (
    "rule_order,match_on,match_key,match_type,match_value,lyft_label,valid_from,valid_until\n"
    "10,tag,user_team,present,,{value},,\n"
    "20,tag,user_service,present,,service-{value},,\n"
)
LINE_TYPES = {
    "Credit",
    "DiscountedUsage",
    "Fee",
    "FlatRateSubscription",
    "Refund",
    "RIFee",
    "SavingsPlanCoveredUsage",
    "SavingsPlanNegation",
    "SavingsPlanRecurringFee",
    "SavingsPlanUpfrontFee",
    "Tax",
    "TypeOfTomorrow",
    "Usage",
    *DISCOUNTS,
}
SERVICES_WITH_COMMITMENTS = {instance.service for instance in (*INSTANCES, *SERVICES, *SERVERLESS)}
Rows = dict[reference.Row, reference.Costs]
Payers = dict[str, list[Line]]


@pytest.fixture(scope="module")
def generated(request: pytest.FixtureRequest) -> list[Bill]:
    """The bills; `--hypothesis-seed` makes other ones."""
    number = int(request.config.getoption("--hypothesis-seed") or SEED)
    bills = drawn(BILLS, number)
    # What is drawn depends on the code beside it, too: a rare service may be missing.
    for further in range(number + 1, number + 50):
        if covered_services(bills) == SERVICES_WITH_COMMITMENTS:
            break
        bills += drawn(10, further)
    return bills


def covered_services(bills: list[Bill]) -> set[str]:
    """The services whose usage a commitment covers on one of the bills."""
    return {
        line["line_item_product_code"]
        for bill in bills
        for line in bill.lines
        if line["line_item_line_item_type"] in ("DiscountedUsage", "SavingsPlanCoveredUsage")
    }


@pytest.fixture(scope="module")
def payers(generated: list[Bill]) -> Payers:
    """The lines of each bill, under the number of its payer."""
    return {
        lines[0]["bill_payer_account_id"]: lines
        for lines in (bill.numbered(number) for number, bill in enumerate(generated))
    }


@pytest.fixture(scope="module")
def workspace(payers: Payers, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a bucket to which the bills were delivered, a file per billing period."""
    workspace = tmp_path_factory.mktemp("generated")
    deliver(
        workspace / "bucket", all_lines(payers), execution="execution-1", files=1, order=Random(1)
    )
    return workspace


def test_the_bills_are_of_every_kind(generated: list[Bill]) -> None:
    print(coverage(generated))

    assert len(generated) >= 200
    assert {bill.mode for bill in generated} == {"M0", "M1", "M2", "M3", "mixed"}
    kinds = {line["line_item_line_item_type"] for bill in generated for line in bill.lines}
    assert kinds == LINE_TYPES
    assert covered_services(generated) == SERVICES_WITH_COMMITMENTS
    sizes = {size_of(line) for bill in generated for line in bill.lines}
    assert sizes == {"negative", "nothing", *SIZES}


def test_every_bill_costs_what_aws_applied_where_nothing_is_pooled(
    payers: Payers, workspace: Path
) -> None:
    land_and_build(workspace, "none", "unit_test", "test")

    assert_bills_are_right(payers, workspace, "none")


def test_every_bill_costs_what_its_families_share(payers: Payers, workspace: Path) -> None:
    land_and_build(workspace, "family", "unit_test")

    assert_bills_are_right(payers, workspace, "family")


def test_the_order_of_lines_and_their_files_change_nothing(payers: Payers, workspace: Path) -> None:
    lines = all_lines(payers)
    deliver(workspace / "bucket", lines, execution="execution-2", files=3, order=Random(2))

    assert land_and_build(workspace, "family", "unit_test", "test") == len(PERIODS)

    assert_bills_are_right(payers, workspace, "family")


def all_lines(payers: Payers) -> list[Line]:
    return [line for lines in payers.values() for line in lines]


def land_and_build(workspace: Path, pooling: str, *skipped: str) -> int:
    """Lands what is new and builds; returns how many billing periods were new."""
    warehouse = workspace / "infraspend.duckdb"
    loaded = aws_cur.load(warehouse, str(workspace / "bucket"))
    seeds = workspace / "seeds"
    seeds.mkdir(exist_ok=True)
    for file in (ROOT / "seeds").glob("*.csv"):
        (seeds / file.name).write_text(file.read_text().splitlines()[0] + "\n")
    (seeds / "label_rules.csv").write_text(LABEL_RULES)
    select = ("--select", "+invoice_bridge", "+build_inputs", "--indirect-selection", "cautious")
    without = [word for kind in skipped for word in ("--exclude-resource-type", kind)]
    variables = ("--vars", f"{{true_cost_pooling: {pooling}}}")
    result = build(warehouse, ROOT, seeds, (*select, *without, *variables))
    assert result.succeeded, "\n".join(result.failures)
    return loaded.landed


def assert_bills_are_right(payers: Payers, workspace: Path, pooling: str) -> None:
    """Compares at the full grain of the mart, both ways; prints the smallest bill that is wrong."""
    warehouse = workspace / "infraspend.duckdb"
    found = rows_of_mart(warehouse)
    unexplained = unexplained_of(warehouse)
    grains = grains_of(all_lines(payers))
    wrong = []
    for payer, lines in payers.items():
        expected = reference.Bill(lines, grains, pooling).rows()
        differences = differences_between(expected, found.pop(payer, {}))
        closed = dict.fromkeys({period_of(line) for line in lines}, 0)
        if (left := unexplained.pop(payer, {})) != closed:
            differences.append(f"unexplained: {left}, expected {closed}")
        if differences:
            wrong.append(story_of(lines, differences))
    if wrong:
        smallest = min(wrong, key=len)
        pytest.fail(f"{len(wrong)} of {len(payers)} bills are wrong, such as\n{smallest}")
    assert not found
    assert not unexplained


def rows_of_mart(warehouse: Path) -> dict[str, Rows]:
    amounts = (f"cast({name} * 10000000000 as hugeint)" for name in reference.Costs._fields)
    query = f"""
        select
            usage_hour, billing_period, payer_account_id, account_id, lyft_label, label_rule,
            coalesce(product, ''), coalesce(usage_type, ''), coalesce(operation, ''),
            coalesce(region, ''), coalesce(instance_type, ''), pricing_model, charge_class,
            is_period_charge,
            {", ".join(amounts)}
        from marts.true_cost
    """
    split = len(reference.Row._fields)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute(query).fetchall()
    rows: dict[str, Rows] = defaultdict(dict)
    for values in found:
        row = reference.Row(*values[:split])
        assert row not in rows[row.payer]
        rows[row.payer][row] = reference.Costs(*values[split:])
    return rows


def unexplained_of(warehouse: Path) -> dict[str, dict[str, Decimal]]:
    """What the bridge leaves unexplained, by payer and billing period."""
    query = """
        select payer_account_id, billing_period, amount
        from marts.invoice_bridge
        where bridge_item = 'unexplained'
    """
    left: dict[str, dict[str, Decimal]] = defaultdict(dict)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for payer, period, amount in connection.execute(query).fetchall():
            left[payer][period] = amount
    return left


def grains_of(lines: Sequence[Line]) -> dict[str, int]:
    by_period: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_period[period_of(line)].append(line)
    return {period: reference.grain_hours(some) for period, some in by_period.items()}


def differences_between(expected: Rows, found: Rows) -> list[str]:
    """What is missing, what is too much and what differs."""
    return [
        f"{row}\n    expected {expected.get(row)}\n    found    {found.get(row)}"
        for row in sorted(expected.keys() | found.keys(), key=str)
        if expected.get(row) != found.get(row)
    ]


def story_of(lines: Sequence[Line], differences: Sequence[str]) -> str:
    """A bill that came out wrong, in as few lines as it takes."""
    printed = [str({name: value for name, value in line.items() if value}) for line in lines]
    return "\n".join([*printed, *differences[:4], f"({len(differences)} differences)"])


def coverage(generated: Sequence[Bill]) -> str:
    """How many lines there are of each type, by the way discounts are presented and by size."""
    seen: Counter[tuple[str, str]] = Counter()
    for bill in generated:
        for line in bill.lines:
            kind = line["line_item_line_item_type"]
            seen[kind, bill.mode] += 1
            seen[kind, size_of(line)] += 1
            seen["all lines", bill.mode] += 1
            seen["all lines", size_of(line)] += 1
    columns = ["M0", "M1", "M2", "M3", "mixed", "nothing", *SIZES, "negative"]
    kinds = sorted({kind for kind, _ in seen})
    table = [f"{len(generated)} bills".ljust(26) + "".join(name.rjust(10) for name in columns)]
    for kind in kinds:
        table.append(kind.ljust(26) + "".join(str(seen[kind, name]).rjust(10) for name in columns))
    return "\n".join(table)


def size_of(line: Mapping[str, str]) -> str:
    amount = units_of(line["line_item_unblended_cost"])
    if amount < 0:
        return "negative"
    return next(name for name, most in {"nothing": 0, **SIZES}.items() if amount <= most)
