"""What AWS keeps true in its reports is true of the files that the simulation wrote."""

import json
from collections import defaultdict
from decimal import Decimal

import pytest

from infraspend.simulation import SimulationResult
from tests.simulation.bill import ZERO, Line, current_lines, legacy_lines

pytestmark = pytest.mark.thorough

LINE_TYPES = {
    "Usage", "DiscountedUsage", "SavingsPlanCoveredUsage", "SavingsPlanNegation",
    "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee", "RIFee", "Fee", "Tax", "Credit", "Refund",
    "EdpDiscount",
}  # fmt: skip


def _of(lines: list[Line], *kinds: str) -> list[Line]:
    found = [line for line in lines if line.kind in kinds]
    assert found
    return found


def _period(line: Line) -> str:
    return str(line["bill_billing_period_start_date"])[:7]


def _hour(line: Line) -> str:
    return str(line["line_item_usage_start_date"])


def test_every_line_type_is_there(lines: list[Line]) -> None:
    assert {line.kind for line in lines} == LINE_TYPES


def test_hours_are_hourly_and_accounts_keep_their_leading_zeros(lines: list[Line]) -> None:
    for line in lines:
        start, end = line["identity_time_interval"].split("/")
        assert start == _hour(line)
        assert int(end[11:13]) == (int(start[11:13]) + 1) % 24
        assert len(line["line_item_usage_account_id"]) == 12


def test_a1_covered_usage_and_its_negation_cancel_out(lines: list[Line]) -> None:
    sums: defaultdict[tuple[object, ...], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for line in _of(lines, "SavingsPlanCoveredUsage", "SavingsPlanNegation"):
        key = (
            line["savings_plan_savings_plan_a_r_n"],
            _hour(line),
            line["line_item_operation"],
            line["line_item_usage_type"],
            line["line_item_availability_zone"],
        )
        sums[key][0] += line.number("line_item_unblended_cost")
        sums[key][1] += line.number("line_item_net_unblended_cost")
    assert set(map(tuple, sums.values())) == {(ZERO, ZERO)}


def test_a2_a_plan_s_commitment_is_its_fee_and_its_amortized_upfront(lines: list[Line]) -> None:
    amortized = "savings_plan_amortized_upfront_commitment_for_billing_period"
    for line in _of(lines, "SavingsPlanRecurringFee"):
        assert line.number("savings_plan_total_commitment_to_date") == line.number(
            "line_item_unblended_cost"
        ) + line.number(amortized)


def test_a3_a_plan_s_used_commitment_is_what_its_usage_cost(lines: list[Line]) -> None:
    effective: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in _of(lines, "SavingsPlanCoveredUsage"):
        key = (line["savings_plan_savings_plan_a_r_n"], _hour(line))
        effective[key] += line.number("savings_plan_savings_plan_effective_cost")
    fees = _of(lines, "SavingsPlanRecurringFee")
    for line in fees:
        key = (line["savings_plan_savings_plan_a_r_n"], _hour(line))
        used = line.number("savings_plan_used_commitment")
        assert used == effective.pop(key)
        assert used <= line.number("savings_plan_total_commitment_to_date")
    assert not effective
    unused = {
        line.number("savings_plan_total_commitment_to_date")
        - line.number("savings_plan_used_commitment")
        for line in fees
    }
    assert ZERO in unused and len(unused) > 1


def test_a4_a_reservation_s_cost_is_what_was_used_and_what_was_not(lines: list[Line]) -> None:
    for net in ("", "net_"):
        used: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for line in _of(lines, "DiscountedUsage"):
            key = (line["reservation_reservation_a_r_n"], _period(line))
            used[key] += line.number(f"reservation_{net}effective_cost")
            assert line.number("line_item_unblended_cost") == 0
        for line in _of(lines, "RIFee"):
            key = (line["reservation_reservation_a_r_n"], _period(line))
            prefix = f"reservation_{net}"
            cost = line.number(f"line_item_{net}unblended_cost") + line.number(
                f"{prefix}amortized_upfront_fee_for_billing_period"
            )
            assert cost == used.pop(key) + line.number(
                f"{prefix}unused_amortized_upfront_fee_for_billing_period"
            ) + line.number(f"{prefix}unused_recurring_fee")
        assert not used


def test_a_reservation_s_units_are_used_or_unused(lines: list[Line]) -> None:
    used: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in _of(lines, "DiscountedUsage"):
        key = (line["reservation_reservation_a_r_n"], _period(line))
        used[key] += line.number("line_item_normalized_usage_amount")
    unused = []
    for line in _of(lines, "RIFee"):
        key = (line["reservation_reservation_a_r_n"], _period(line))
        unused.append(line.number("reservation_unused_normalized_unit_quantity"))
        assert (
            line.number("reservation_normalized_units_per_reservation")
            * line.number("line_item_usage_amount")
            == used[key] + unused[-1]
        )
    assert any(unused) and not all(unused)


def test_the_discount_stands_in_rows_in_the_legacy_period_and_in_maps_in_cur2(
    lines: list[Line],
) -> None:
    legacy = [line for line in lines if _period(line) == "2026-10"]
    cur2 = [line for line in lines if _period(line) == "2026-11"]
    # M2: the rows' net cost is nothing, and the rows make up for what net takes off.
    assert {line.number("line_item_net_unblended_cost") for line in _of(legacy, "EdpDiscount")} == {
        ZERO
    }
    assert (
        _sum(legacy, "net_")
        == _sum(legacy)
        < _sum([line for line in legacy if not line.is_discount])
    )
    # M3: no rows, the reduction stands on each line.
    assert not any(line.is_discount for line in cur2)
    taken_off = sum(line.number("discount_total_discount") for line in cur2)
    assert _sum(cur2, "net_") == _sum(cur2) + taken_off < _sum(cur2)
    for line in cur2:
        in_map = sum((Decimal(str(part)) for part in line["discount"].values()), ZERO)
        assert in_map == line.number("discount_total_discount")


def _sum(lines: list[Line], net: str = "") -> Decimal:
    return sum((line.number(f"line_item_{net}unblended_cost") for line in lines), ZERO)


def test_the_invoice_and_the_bridge_to_true_cost_add_up(
    simulated: SimulationResult, lines: list[Line]
) -> None:
    totals = json.loads((simulated.truth / "totals.json").read_text())
    assert [total["billing_period"] for total in totals] == ["2026-10", "2026-11"]
    assert sum(total["line_count"] for total in totals) == len(lines) == simulated.bill_lines
    for total in totals:
        of_period = [line for line in lines if _period(line) == total["billing_period"]]
        assert len(of_period) == total["line_count"]
        assert _sum(of_period) == Decimal(total["unblended_cost"])
        assert _sum(of_period, "net_") == Decimal(total["invoice"])
        steps = sum(
            Decimal(total[name])
            for name in total
            if name[:3] in ("ri_", "sp_") or name == "prepayment_refund"
        )
        assert Decimal(total["invoice"]) + steps == Decimal(total["true_cost"])
        # The specification's other way from the invoice: what was paid upfront goes, and what of
        # it was paid back; its amortization comes.
        upfront = sum(
            line.number("line_item_net_unblended_cost")
            for line in of_period
            if (line.kind == "Fee" and line["reservation_reservation_a_r_n"])
            or line.kind == "SavingsPlanUpfrontFee"
            or (line.kind == "Refund" and "one-time fee" in line["line_item_line_item_description"])
        )
        amortized = sum(
            line.number("reservation_net_amortized_upfront_fee_for_billing_period")
            + line.number("savings_plan_net_amortized_upfront_commitment_for_billing_period")
            for line in of_period
        )
        assert Decimal(total["invoice"]) - upfront + amortized == Decimal(total["true_cost"])


def test_the_superseded_assembly_lies_beside_the_current_one_and_differs(
    simulated: SimulationResult,
) -> None:
    month = simulated.bill / "cur" / "demo-hourly" / "20261001-20261101"
    current = json.loads((month / "demo-hourly-Manifest.json").read_text())
    assemblies = {path.name for path in month.iterdir() if path.is_dir()}
    assert len(assemblies) == 2
    (superseded,) = assemblies - {current["assemblyId"]}
    manifest = json.loads((month / superseded / "demo-hourly-Manifest.json").read_text())
    before = [line for key in manifest["reportKeys"] for line in legacy_lines(simulated.bill / key)]
    now = [line for line in current_lines(simulated.bill) if _period(line) == "2026-10"]
    assert 0 < len(before) < len(now)
    assert _sum(before) != _sum(now)


def test_commitments_are_of_every_payment_option_and_of_databases(lines: list[Line]) -> None:
    fees = _of(lines, "SavingsPlanRecurringFee")
    assert {line["savings_plan_payment_option"] for line in fees} == {
        "No Upfront",
        "Partial Upfront",
        "All Upfront",
    }
    # What was paid upfront has fees of nothing, which say what its hours cost all the same.
    for line in fees:
        is_paid = line["savings_plan_payment_option"] == "All Upfront"
        assert is_paid == (line.number("line_item_unblended_cost") == 0)
        assert line.number("savings_plan_total_commitment_to_date") > 0
    bought = _of(lines, "SavingsPlanUpfrontFee")
    (refund,) = (
        line
        for line in _of(lines, "Refund")
        if line["line_item_line_item_description"].startswith(
            "Refund for one-time fee for Savings Plan ID"
        )
    )
    assert -refund.number("line_item_unblended_cost") in {
        line.number("line_item_unblended_cost") for line in bought
    }
    reserved = _of(lines, "DiscountedUsage")
    assert {line["line_item_product_code"] for line in reserved} == {"AmazonEC2", "AmazonRDS"}
    # Two databases of a size take turns.
    sharers = {line["line_item_resource_id"] for line in reserved if "rds" in _arn(line)}
    assert len(sharers) == 3


def _arn(line: Line) -> str:
    return str(line["reservation_reservation_a_r_n"])
