"""What every charge really cost: as AWS applied its discounts, and pooled by instance family.

A reference in whole numbers that works line by line, written for the models to be compared with;
it knows the charges as the company planned them and shares nothing with the models.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from infraspend.simulation.clock import HOUR
from infraspend.simulation.plan.charges import Charge, Columns
from infraspend.simulation.truth.shares import allocate
from infraspend.simulation.units import share, units


class Key(NamedTuple):
    """The key of a cost: the grain of the true_cost mart. Empty text is NULL."""

    usage_hour: datetime
    billing_period: str
    payer_account_id: str
    account_id: str
    lyft_label: str
    label_rule: int | None
    product: str
    usage_type: str
    operation: str
    region: str
    instance_type: str
    pricing_model: str
    charge_class: str
    is_period_charge: bool

    def order(self) -> tuple[object, ...]:
        """Sorts keys ascending, text by its bytes and NULL after everything."""
        return tuple((value is None or value == "", value or 0) for value in self)


@dataclass(slots=True)
class Cost:
    """The costs of a key in ten-billionths of a dollar."""

    net_amortized: int = 0
    none: int = 0
    family: int = 0


@dataclass(slots=True)
class _Member:
    """What a key holds of a pool."""

    cost: int = 0
    listed: int = 0


Costs = dict[Key, Cost]
_Pool = tuple[object, ...]


def costs_of(charges: Iterable[Charge]) -> Costs:
    """The costs of charges that are all there is of their hours."""
    costs: defaultdict[Key, Cost] = defaultdict(Cost)
    pools: defaultdict[_Pool, defaultdict[Key, _Member]] = defaultdict(lambda: defaultdict(_Member))
    for charge in charges:
        columns = charge.columns
        key = _key(charge)
        net = net_amortized(columns)
        # What a reservation left unused is charged to the hours that wasted it.
        none = 0 if columns["line_item_line_item_type"] == "RIFee" else net
        cost = costs[key]
        cost.net_amortized += net
        cost.none += none
        pool = _pool(columns)
        if pool is None:
            cost.family += none
        else:
            member = pools[pool][key]
            member.cost += none
            member.listed += _number(columns, "pricing_public_on_demand_cost")
    for members in pools.values():
        keys = sorted(members, key=Key.order)
        total = sum(member.cost for member in members.values())
        for key, allocated in zip(
            keys, allocate(total, [members[k].listed for k in keys]), strict=True
        ):
            costs[key].family += allocated
    return costs


def net_amortized(columns: Columns) -> int:
    """What a line really cost, with what its commitment and the negotiated discount took off."""
    prefix = "reservation_net_unused_"
    match columns["line_item_line_item_type"]:
        case "DiscountedUsage":
            return _number(columns, "reservation_net_effective_cost")
        case "RIFee":
            return _number(columns, f"{prefix}amortized_upfront_fee_for_billing_period") + _number(
                columns, f"{prefix}recurring_fee"
            )
        case "SavingsPlanCoveredUsage":
            return _number(columns, "savings_plan_net_savings_plan_effective_cost")
        case "SavingsPlanRecurringFee":
            return _unused_of_plan(columns)
        case "SavingsPlanNegation" | "SavingsPlanUpfrontFee":
            return 0
        case "Refund" if _text(columns, "line_item_line_item_description").startswith(
            "Refund for one-time fee for Savings Plan ID"
        ):
            return 0
        case "Fee" if "reservation_reservation_a_r_n" in columns:
            return 0
        case _:
            return _number(columns, "line_item_net_unblended_cost")


def _unused_of_plan(columns: Columns) -> int:
    """What of a plan's fee nobody used, discounted as the fee is."""
    prefix = "savings_plan_"
    unused = _number(columns, f"{prefix}total_commitment_to_date") - _number(
        columns, f"{prefix}used_commitment"
    )
    fees = ("recurring_commitment", "amortized_upfront_commitment")
    paid = sum(_number(columns, f"{prefix}net_{fee}_for_billing_period") for fee in fees)
    asked = sum(_number(columns, f"{prefix}{fee}_for_billing_period") for fee in fees)
    return share(unused, paid, asked)


class UnusedReservations:
    """Charges what a reservation left unused to the hours that left it, in proportion."""

    def __init__(self) -> None:
        self._used: defaultdict[tuple[object, datetime], int] = defaultdict(int)

    def note(self, charges: Iterable[Charge]) -> None:
        """Remembers how much of each reservation was used in an hour."""
        for charge in charges:
            columns = charge.columns
            if columns["line_item_line_item_type"] == "DiscountedUsage":
                arn = columns["reservation_reservation_a_r_n"]
                used = _number(columns, "line_item_normalized_usage_amount")
                self._used[arn, _moment(columns, "line_item_usage_start_date")] += used

    def costs_of(self, charges: Iterable[Charge]) -> Costs:
        """The hourly costs that the reservations' fees among a month's charges come to.

        Hours that cost nothing are left out.
        """
        return {
            key: cost
            for charge in charges
            if charge.columns["line_item_line_item_type"] == "RIFee"
            for key, cost in self._hours_of(charge)
        }

    def _hours_of(self, fee: Charge) -> Iterator[tuple[Key, Cost]]:
        columns = fee.columns
        arn = columns["reservation_reservation_a_r_n"]
        offered = units(str(columns["reservation_number_of_reservations"])) * int(
            str(columns["reservation_normalized_units_per_reservation"])
        )
        hours = []
        hour, grain = _moment(columns, "line_item_usage_start_date"), _grain(columns)
        while hour < _moment(columns, "line_item_usage_end_date"):
            hours.append(hour)
            hour += grain
        unused = [max(0, grain // HOUR * offered - self._used[arn, hour]) for hour in hours]
        if not any(unused):
            unused = [1] * len(hours)
        key = _key(fee)._replace(charge_class="unused_commitment", is_period_charge=False)
        for hour, cost in zip(hours, allocate(net_amortized(columns), unused), strict=True):
            if cost:
                yield key._replace(usage_hour=hour), Cost(0, cost, cost)


def _key(charge: Charge) -> Key:
    columns = charge.columns
    start = _moment(columns, "line_item_usage_start_date")
    product = columns.get("product", {})
    assert isinstance(product, dict)
    return Key(
        usage_hour=start,
        billing_period=f"{_moment(columns, 'bill_billing_period_start_date'):%Y-%m}",
        payer_account_id=_text(columns, "bill_payer_account_id"),
        account_id=_text(columns, "line_item_usage_account_id"),
        lyft_label=charge.label,
        label_rule=charge.rule,
        product=_text(columns, "line_item_product_code"),
        usage_type=_text(columns, "line_item_usage_type"),
        operation=_text(columns, "line_item_operation"),
        region=str(product.get("region", "")),
        instance_type=_text(columns, "product_instance_type"),
        pricing_model=_pricing_model(columns),
        charge_class=charge_class(columns),
        is_period_charge=_moment(columns, "line_item_usage_end_date") - start > _grain(columns),
    )


def charge_class(columns: Columns) -> str:
    """What kind of charge a line is, in Infraspend's words."""
    kind = _text(columns, "line_item_line_item_type")
    if kind in ("Usage", "Fee") and columns["bill_billing_entity"] == "AWS Marketplace":
        return "marketplace"
    if kind == "Fee":
        if "reservation_reservation_a_r_n" in columns:
            return "commitment_prepayment"
        is_support = _text(columns, "line_item_product_code").startswith("AWSSupport")
        return "support" if is_support else "fee"
    if kind.endswith("Discount"):
        return "discount"
    return _CLASSES[kind]


_CLASSES = {
    "Usage": "usage",
    "DiscountedUsage": "usage",
    "SavingsPlanCoveredUsage": "usage",
    "RIFee": "commitment_fee",
    "SavingsPlanRecurringFee": "commitment_fee",
    "SavingsPlanUpfrontFee": "commitment_prepayment",
    "SavingsPlanNegation": "negation",
    "Tax": "tax",
    "Credit": "credit",
    "Refund": "refund",
}


def _pricing_model(columns: Columns) -> str:
    kind = _text(columns, "line_item_line_item_type")
    if columns.get("pricing_term") == "Spot":
        return "spot"
    if "reservation_reservation_a_r_n" in columns:
        return "reserved"
    if kind.startswith("SavingsPlan"):
        return "savings_plan"
    return "on_demand" if kind == "Usage" else "none"


def _pool(columns: Columns) -> _Pool | None:
    """What shares one price with this line's usage: None for what nobody can reserve or plan."""
    product = _text(columns, "line_item_product_code")
    kind = _POOLED.get(product)
    is_member = (
        columns["line_item_line_item_type"]
        in ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage")
        and kind is not None
        and kind in _text(columns, "line_item_usage_type")
        and columns.get("pricing_term") != "Spot"
        and _number(columns, "pricing_public_on_demand_cost") > 0
    )
    if not is_member:
        return None
    attributes = columns["product"]
    assert isinstance(attributes, dict)
    family = attributes.get("instance_type_family")
    return (
        columns["bill_payer_account_id"],
        columns["line_item_usage_start_date"],
        product,
        attributes["region"],
        family or _text(columns, "product_instance_type").rpartition(".")[0],
        attributes.get("operating_system"),
        attributes.get("tenancy"),
        attributes.get("database_engine"),
        attributes.get("deployment_option"),
    )


#: Of the company's services those that can be reserved or planned, and what such usage is called.
_POOLED = {
    "AmazonEC2": "BoxUsage:",
    "AmazonRDS": "InstanceUsage:",
    "AmazonRedshift": "Node:",
    "AWSLambda": "Lambda-GB-Second",
    "AmazonDynamoDB": "RequestUnits",
}


def _grain(columns: Columns) -> timedelta:
    """How long an interval of the report is."""
    start, end = _text(columns, "identity_time_interval").split("/")
    return datetime.fromisoformat(end) - datetime.fromisoformat(start)


def _text(columns: Columns, name: str) -> str:
    return str(columns.get(name, ""))


def _number(columns: Columns, name: str) -> int:
    value = columns[name]
    assert isinstance(value, int)
    return value


def _moment(columns: Columns, name: str) -> datetime:
    value = columns[name]
    assert isinstance(value, datetime)
    return value
