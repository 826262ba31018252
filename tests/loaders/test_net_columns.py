"""Half of the net columns: what commitments got off is refused or named, and never guessed."""

from decimal import Decimal
from pathlib import Path

import pytest

from infraspend.loaders import aws_cur
from infraspend.loaders.errors import InfraspendError
from tests.loaders.bills import Row, charge, deliver_legacy, text_of
from tests.loaders.queries import rows

# 100 less a tenth, and a reservation of 6 less a tenth: 95.40.
DISCOUNTED: list[Row] = [
    charge(lineItem__UnblendedCost="100", lineItem__NetUnblendedCost="90"),
    charge(
        lineItem__LineItemType="DiscountedUsage",
        lineItem__UnblendedCost="0",
        lineItem__NetUnblendedCost="0",
        reservation__ReservationARN="arn:ri",
        reservation__EffectiveCost="6",
    ),
    charge(
        lineItem__LineItemType="RIFee",
        lineItem__UnblendedCost="6",
        lineItem__NetUnblendedCost="5.4",
        reservation__ReservationARN="arn:ri",
        reservation__UnusedRecurringFee="0",
    ),
]
PLAN: list[Row] = [
    charge(
        lineItem__LineItemType="SavingsPlanRecurringFee",
        lineItem__UnblendedCost="6",
        lineItem__NetUnblendedCost="5.4",
        savingsPlan__SavingsPlanARN="arn:sp",
        savingsPlan__SavingsPlanEffectiveCost="",
        savingsPlan__NetSavingsPlanEffectiveCost="",
        savingsPlan__RecurringCommitmentForBillingPeriod="6",
    )
]


def delivered(bucket: Path, lines: list[Row]) -> None:
    columns = dict.fromkeys(column for line in lines for column in line)
    deliver_legacy(bucket, text_of([dict.fromkeys(columns, "") | line for line in lines]))


def refusal(warehouse: Path, bucket: Path) -> str:
    with pytest.raises(InfraspendError) as raised:
        aws_cur.load(warehouse, str(bucket))
    return str(raised.value)


def test_half_of_the_net_columns_of_reservations_is_refused(warehouse: Path, bucket: Path) -> None:
    delivered(bucket, DISCOUNTED)

    messages = refusal(warehouse, bucket)

    assert "reservation_net_effective_cost, reservation_net_unused_recurring_fee" in messages
    assert "1 fees of reservations have a discount" in messages


def test_half_of_the_net_columns_of_plans_is_refused(warehouse: Path, bucket: Path) -> None:
    delivered(bucket, PLAN)

    messages = refusal(warehouse, bucket)

    assert "no column savings_plan_net_recurring_commitment_for_billing_period:" in messages
    assert "1 fees of savings plans have a discount" in messages


@pytest.mark.parametrize(
    ("gross", "kind", "what"),
    [
        ({"reservation/EffectiveCost": ""}, "Fee", "reservations"),
        ({"savingsPlan/SavingsPlanEffectiveCost": ""}, "SavingsPlanUpfrontFee", "savings plans"),
    ],
)
def test_half_of_the_net_columns_beside_a_discounted_upfront_fee_is_refused(
    warehouse: Path, bucket: Path, gross: Row, kind: str, what: str
) -> None:
    fee = charge(
        lineItem__LineItemType=kind,
        lineItem__UnblendedCost="876",
        lineItem__NetUnblendedCost="788.4",
        lineItem__UsageType="HeavyUsage:m5.large",
    )
    delivered(bucket, [dict(fee) | gross])

    assert f"1 fees of {what} have a discount" in refusal(warehouse, bucket)


# The other half: the discounts of commitments, and of nothing else.
OTHER_HALF: list[Row] = [
    {name: value for name, value in line.items() if name != "lineItem/NetUnblendedCost"}
    | {"reservation/NetEffectiveCost": net, "reservation/NetUnusedRecurringFee": ""}
    for line, net in zip(DISCOUNTED, ("", "5.4", ""), strict=True)
]


def test_the_other_half_of_the_net_columns_is_refused(warehouse: Path, bucket: Path) -> None:
    delivered(bucket, OTHER_HALF)

    messages = refusal(warehouse, bucket)

    assert "has reservation_net_effective_cost, reservation_net_unused_recurring_fee" in messages
    assert (
        "no column line_item_net_unblended_cost: commitments on 1 lines have a discount" in messages
    )


@pytest.mark.parametrize("net", ["6", "0.0", ""])
def test_the_other_half_is_named_where_nothing_has_a_discount(
    warehouse: Path, bucket: Path, net: str
) -> None:
    used, covered, fee = OTHER_HALF
    delivered(bucket, [used, dict(covered) | {"reservation/NetEffectiveCost": net}, fee])
    said: list[str] = []

    aws_cur.load(warehouse, str(bucket), progress=said.append)

    (warning,) = [message for message in said if "warning" in message]
    assert "no column line_item_net_unblended_cost" in warning


def test_the_other_half_lands_where_discounts_are_lines(warehouse: Path, bucket: Path) -> None:
    discount = charge(lineItem__LineItemType="EdpDiscount", lineItem__UnblendedCost="-10.6")
    own = {name: value for name, value in discount.items() if "Net" not in name}
    delivered(bucket, [*OTHER_HALF, own])

    assert aws_cur.load(warehouse, str(bucket)).landed == 1


def test_with_all_of_them_it_lands(warehouse: Path, bucket: Path) -> None:
    used, covered, fee = DISCOUNTED
    whole = [
        used,
        covered | {"reservation/NetEffectiveCost": "5.4"},
        fee | {"reservation/NetUnusedRecurringFee": "0"},
    ]
    delivered(bucket, whole)
    said: list[str] = []

    aws_cur.load(warehouse, str(bucket), progress=said.append)

    assert rows(
        warehouse, "select sum(reservation_net_effective_cost) from raw_aws_cur.line_items"
    ) == [(Decimal("5.4"),)]
    assert not [message for message in said if "warning" in message]


def test_what_is_missing_is_named_where_no_fee_has_a_discount(
    warehouse: Path, bucket: Path
) -> None:
    used, covered, fee = DISCOUNTED
    delivered(bucket, [used, covered, fee | {"lineItem/NetUnblendedCost": "6"}])
    said: list[str] = []

    aws_cur.load(warehouse, str(bucket), progress=said.append)

    (warning,) = [message for message in said if "warning" in message]
    assert "no column reservation_net_effective_cost" in warning


def test_without_any_net_cost_nothing_is_missing(warehouse: Path, bucket: Path) -> None:
    delivered(
        bucket,
        [
            {name: value for name, value in line.items() if name != "lineItem/NetUnblendedCost"}
            for line in DISCOUNTED
        ],
    )
    said: list[str] = []

    aws_cur.load(warehouse, str(bucket), progress=said.append)

    assert not [message for message in said if "warning" in message]
