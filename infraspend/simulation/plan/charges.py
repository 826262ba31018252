"""What AWS charges for an hour, and at the end of a month, line by line.

Every identity that AWS keeps in its reports is kept here, exactly: covered usage and its negation
cancel out, a plan's fee is what was used of it and what was not, a reservation's fee and its
amortized upfront payment are what its usage cost and what was wasted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from infraspend.simulation.clock import (
    DAY,
    HOUR,
    HOURS_OF_A_DAY,
    Period,
    Span,
    Window,
    is_working_hours,
    stamp,
)
from infraspend.simulation.plan.chance import Chance
from infraspend.simulation.plan.commitments import Commitments, MachineHour
from infraspend.simulation.plan.company import (
    ACCOUNT_NAMES,
    DATA,
    EAST,
    NEGOTIATED_TENTHS,
    PAYER,
    PRODUCTION,
    SANDBOX,
    USAGE_TYPE_PREFIX,
    WINDOWS,
    Mark,
    tagged,
    untagged,
)
from infraspend.simulation.plan.company_commitments import (
    RESERVATIONS,
    SAVINGS_PLANS,
    Reservation,
    SavingsPlan,
    normalized_units,
)
from infraspend.simulation.plan.company_history import AVERAGE_PERCENT, grown_percent
from infraspend.simulation.plan.company_meters import LOOP, METERS, Meter
from infraspend.simulation.plan.machines import Machine
from infraspend.simulation.units import ONE, as_short_text, share, units

#: A value of a line: text, a number in ten-billionths, a moment, or a map.
Value = str | int | datetime | Mapping[str, str] | Mapping[str, int]
Columns = dict[str, Value]

_TERM = 365 * DAY
_HOURS_OF_A_TERM = 365 * 24
_UNUSED_RESERVATION = Mark("_unused_ri", None)
_UNUSED_PLAN = Mark("_unused_sp", None)


@dataclass(slots=True)
class Charge:
    """A line of the bill by the column names of CUR 2.0, and the label that the company means.

    `rule` is the rule_order by which `seeds/label_rules.csv` finds the label, None without one.
    """

    columns: Columns
    label: str
    rule: int | None


class Bill:
    """Writes up the company's charges.

    In the billing periods before the last one the negotiated discount also stands in lines of its
    own, as a legacy report shows it; in the last one it stands on the lines it reduces.

    Args:
        chance: What amounts depend on.
        window: The hours that are simulated.
        commitments: What the company has bought ahead.
        operations: In how many operations AWS takes apart what a resource was used for in an hour:
            a line for each. What AWS charges by the instance has one.
    """

    def __init__(
        self, chance: Chance, window: Window, commitments: Commitments, operations: int = 1
    ) -> None:
        self._chance = chance
        self._operations = operations
        self._window = window
        self._commitments = commitments
        self._last = window.periods()[-1]
        self._discounts: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self._used: defaultdict[Reservation, int] = defaultdict(int)

    def of_hour(self, hour: datetime, machine_hours: list[MachineHour]) -> list[Charge]:
        """The charges of an hour."""
        return self._of_span(Span(hour), machine_hours)

    def of_day(self, day: datetime, machine_hours: list[MachineHour]) -> list[Charge]:
        """The charges of a day of the history, of which each hour is like the given one."""
        return self._of_span(Span(day, HOURS_OF_A_DAY), machine_hours)

    def _of_span(self, span: Span, machine_hours: list[MachineHour]) -> list[Charge]:
        frame = self._frame(Period.of(span.start), span.start, span.end)
        return [
            *(self._machine(span, frame, one) for one in machine_hours),
            *self._negations(span, frame, machine_hours),
            *self._plan_fees(span, frame, machine_hours),
            *self._metered(span, frame),
            *self._purchases(span, frame),
            *self._plans_bought_and_returned(span, frame),
        ]

    def of_month(self, period: Period) -> list[Charge]:
        """The charges of a billing period as a whole; its hours must have been charged before."""
        charges = [*self._reservation_fees(period), *self._fees_and_credits(period)]
        charges.extend(self._discount_rows(period))
        self._discounts.clear()
        self._used.clear()
        return charges

    # The parts of a line

    def _frame(self, period: Period, start: datetime, end: datetime) -> Columns:
        """What the lines of a billing period and an interval have in common."""
        return {
            "bill_bill_type": "Anniversary",
            "bill_billing_entity": "AWS",
            "bill_invoicing_entity": "Amazon Web Services, Inc.",
            # A month gets its invoice when it is over.
            "bill_invoice_id": "" if period == self._last else f"{period.start:%Y%m}0042",
            "bill_payer_account_id": PAYER,
            "bill_payer_account_name": ACCOUNT_NAMES[PAYER],
            "bill_billing_period_start_date": period.start,
            "bill_billing_period_end_date": period.end,
            "identity_time_interval": f"{stamp(start)}/{stamp(start + self._grain(period))}",
            "line_item_usage_start_date": start,
            "line_item_usage_end_date": end,
            "line_item_currency_code": "USD",
            "line_item_legal_entity": "Amazon Web Services, Inc.",
        }

    def _grain(self, period: Period) -> timedelta:
        """How long an interval of the month's report is."""
        return DAY if self._window.is_history(period) else HOUR

    def _priced(
        self, columns: Columns, gross: int, *, is_discounted: bool = True, is_noted: bool = True
    ) -> Columns:
        """The line with what AWS asks and what the company pays.

        What the discount takes off is noted for the discount's own lines, except on the two sides
        of covered usage, which cancel out.
        """
        net = share(gross, NEGOTIATED_TENTHS, 10) if is_discounted else gross
        columns["line_item_unblended_cost"] = gross
        columns["line_item_blended_cost"] = gross
        columns["line_item_net_unblended_cost"] = net
        if net != gross:
            if columns["bill_billing_period_start_date"] == self._last.start:
                columns["discount"] = {"edp_discount": net - gross}
                columns["discount_total_discount"] = net - gross
            elif is_noted:
                key = (
                    str(columns["line_item_usage_account_id"]),
                    str(columns["line_item_product_code"]),
                    str(columns["line_item_usage_type"]),
                )
                self._discounts[key] += net - gross
        return columns

    # An hour

    def _machine(self, span: Span, frame: Columns, one: MachineHour) -> Charge:
        machine = one.running.machine
        columns: Columns = {**frame, **_machine_columns(machine)}
        columns["line_item_usage_amount"] = span.hours * one.cost(ONE)
        normalized_usage = span.hours * one.normalized_usage
        columns["line_item_normalized_usage_amount"] = normalized_usage
        listed = span.hours * one.cost(machine.list_price)
        columns["pricing_public_on_demand_cost"] = listed
        if isinstance(one.paid_by, Reservation):
            self._reserved(columns, one.paid_by, normalized_usage)
        elif isinstance(one.paid_by, SavingsPlan):
            columns["line_item_line_item_type"] = "SavingsPlanCoveredUsage"
            columns["pricing_term"] = "OnDemand"
            columns.update(_covered_by(one.paid_by))
            columns["savings_plan_savings_plan_rate"] = as_short_text(
                machine.instance_type.plan_rate
            )
            plan_cost = span.hours * one.plan_cost
            columns["savings_plan_savings_plan_effective_cost"] = plan_cost
            columns["savings_plan_net_savings_plan_effective_cost"] = _net(plan_cost)
            self._priced(columns, listed, is_noted=False)
        else:
            columns["line_item_line_item_type"] = "Usage"
            columns["pricing_term"] = "Spot" if machine.is_spot else "OnDemand"
            paid = self._spot_price(span, machine) if machine.is_spot else machine.list_price
            columns["line_item_unblended_rate"] = as_short_text(paid)
            self._priced(columns, span.hours * one.cost(paid))
        return Charge(columns, *machine.mark.at(span.start))

    def _reserved(self, columns: Columns, one: Reservation, normalized_usage: int) -> None:
        """Turns a line into usage that a reservation covers; its fees pay for it."""
        columns["line_item_line_item_type"] = "DiscountedUsage"
        columns["pricing_term"] = "Reserved"
        columns["line_item_normalized_usage_amount"] = normalized_usage
        columns.update(_used_of(one, normalized_usage))
        self._used[one] += normalized_usage
        self._priced(columns, 0)

    def _spot_price(self, span: Span, machine: Machine) -> int:
        """About a third of the list price, in hundredths of a cent."""
        percent = self._chance.between(28, 39, "spot", span.start, machine.zone)
        step = units("0.0001")
        return machine.list_price * percent // 100 // step * step

    def _negations(
        self, span: Span, frame: Columns, machine_hours: list[MachineHour]
    ) -> Iterator[Charge]:
        """What AWS takes back of usage that a plan covered, in one line for like usage."""
        groups: defaultdict[tuple[SavingsPlan, str, str, str, str], int] = defaultdict(int)
        for one in machine_hours:
            if isinstance(one.paid_by, SavingsPlan):
                machine = one.running.machine
                usage_type, operation = _usage_type(machine), _operation(machine)
                listed = span.hours * one.cost(machine.list_price)
                groups[one.paid_by, machine.account, usage_type, operation, machine.zone] += listed
        for (plan, account, usage_type, operation, zone), amount in groups.items():
            columns: Columns = {
                **frame,
                **_billed_to(account, "AmazonEC2", usage_type),
                **_covered_by(plan),
                "line_item_line_item_type": "SavingsPlanNegation",
                "line_item_operation": operation,
                "line_item_availability_zone": zone,
                "line_item_line_item_description": f"SavingsPlanNegation used by {account}",
            }
            self._priced(columns, -amount, is_noted=False)
            yield Charge(columns, *untagged(account, "AmazonEC2").at(span.start))

    def _plan_fees(
        self, span: Span, frame: Columns, machine_hours: list[MachineHour]
    ) -> Iterator[Charge]:
        """What is left to pay of each plan's hour; of one that was paid upfront, nothing."""
        for plan in SAVINGS_PLANS:
            if not plan.is_in_force(span.start):
                continue
            commitment = span.hours * self._commitments.commitment(plan)
            amortized = span.hours * self._commitments.amortized_upfront(plan)
            fee = commitment - amortized
            prefix = "savings_plan_"
            columns: Columns = {
                **frame,
                **_billed_to(plan.account, "ComputeSavingsPlans", plan.usage_type),
                **_covered_by(plan),
                "line_item_line_item_type": "SavingsPlanRecurringFee",
                "line_item_usage_amount": span.hours * ONE,
                f"{prefix}total_commitment_to_date": commitment,
                f"{prefix}used_commitment": span.hours
                * sum(one.plan_cost for one in machine_hours if one.paid_by is plan),
                f"{prefix}recurring_commitment_for_billing_period": fee,
                f"{prefix}amortized_upfront_commitment_for_billing_period": amortized,
                f"{prefix}net_recurring_commitment_for_billing_period": _net(fee),
                f"{prefix}net_amortized_upfront_commitment_for_billing_period": _net(amortized),
            }
            yield Charge(self._priced(columns, fee), *_UNUSED_PLAN.at(span.start))

    def _plans_bought_and_returned(self, span: Span, frame: Columns) -> Iterator[Charge]:
        """What is paid upfront for a plan, and given back with it."""
        hour = span.start
        for plan in SAVINGS_PLANS:
            upfront = self._commitments.amortized_upfront(plan) * _HOURS_OF_A_TERM
            if not upfront or hour not in (plan.bought, plan.returned):
                continue
            columns: Columns = {
                **frame,
                **_billed_to(plan.account, "ComputeSavingsPlans", plan.usage_type),
                "line_item_usage_amount": ONE,
            }
            if hour == plan.bought:
                columns.update(_covered_by(plan))
                columns["bill_bill_type"] = "Purchase"
                columns["bill_invoice_id"] = f"{hour:%Y%m%d}0008"
                columns["line_item_line_item_type"] = "SavingsPlanUpfrontFee"
                note = f"One-time fee for Savings Plan ID: {plan.name}"
            else:
                upfront = -upfront
                columns["bill_bill_type"] = "Refund"
                columns["line_item_line_item_type"] = "Refund"
                note = f"Refund for one-time fee for Savings Plan ID: {plan.name}"
            columns["line_item_line_item_description"] = note
            self._priced(columns, upfront)
            yield Charge(columns, *untagged(plan.account, "ComputeSavingsPlans").at(hour))

    def _metered(self, span: Span, frame: Columns) -> Iterator[Charge]:
        reserved = self._commitments.databases(span.start)
        for meter in METERS:
            if span.start < meter.since:
                continue
            for operation in range(1 if meter.instance_type else self._operations):
                amount = span.hours * self._amount(span, meter, operation)
                gross = share(meter.price, amount, 1000)
                columns: Columns = {**frame, **_meter_columns(meter, operation)}
                columns["line_item_usage_amount"] = share(ONE, amount, 1000)
                columns["pricing_public_on_demand_cost"] = gross
                if one := reserved.get(meter):
                    normalized_usage = normalized_units(meter.instance_type) * span.hours * ONE
                    self._reserved(columns, one, normalized_usage)
                else:
                    self._priced(columns, gross, is_discounted=not meter.is_marketplace)
                yield Charge(columns, *meter.mark.at(span.start))

    def _amount(self, span: Span, meter: Meter, operation: int) -> int:
        """Thousandths of the meter's unit in an hour: as ordered, or as demanded."""
        hour, is_history = span.start, span.hours > 1
        grown = grown_percent(hour) if is_history else 100
        if meter.steady:
            return meter.amount * grown // 100 if meter.unit == "GB-Mo" else meter.amount
        percent = 100 if is_working_hours(hour) else 45
        if is_history:
            percent = AVERAGE_PERCENT * grown // 100
        if hour.weekday() >= 5:
            percent += 20
        key = ("meter", hour, meter.resource, meter.product, operation)
        wobble = self._chance.between(900, 1100, *key)
        times = LOOP.times if LOOP.is_of(meter, hour) else 1
        return times * meter.amount * percent * wobble // 100_000 // meter.step * meter.step

    def _purchases(self, span: Span, frame: Columns) -> Iterator[Charge]:
        """The upfront payment for reservations bought in this hour or on this day."""
        hour = span.start
        for one in RESERVATIONS:
            if one.bought != hour or not one.upfront_rate:
                continue
            count = self._commitments.count(one)
            columns: Columns = {
                **frame,
                **_billed_to(one.account, one.product, f"HeavyUsage:{one.instance_type}"),
                **_of_reservation(one),
                "bill_bill_type": "Purchase",
                "bill_invoice_id": f"{hour:%Y%m%d}0007",
                "line_item_line_item_type": "Fee",
                "line_item_operation": one.operation,
                "line_item_usage_amount": count * ONE,
                "line_item_line_item_description": f"Sign up charge for subscription: {one.name}",
                "reservation_number_of_reservations": str(count),
            }
            self._priced(columns, self._upfront(one))
            yield Charge(columns, *untagged(one.account, one.product).at(hour))

    def _upfront(self, one: Reservation) -> int:
        """What a reservation cost when it was bought."""
        return share(one.upfront_rate, self._commitments.capacity(one), ONE) * _HOURS_OF_A_TERM

    # A month

    def _reservation_fees(self, period: Period) -> Iterator[Charge]:
        """What each reservation cost for the simulated part of the period, used or not."""
        for one in RESERVATIONS:
            start, end = self._window.within(period, one.bought)
            hours = (end - start) // HOUR
            if hours <= 0:
                continue
            count = self._commitments.count(one)
            reserved = self._commitments.capacity(one) * hours
            unused = reserved - self._used[one]
            fee = share(one.recurring_rate, reserved, ONE)
            amortized = share(one.upfront_rate, reserved, ONE)
            unused_amortized = share(one.upfront_rate, unused, ONE)
            unused_recurring = share(one.recurring_rate, unused, ONE)
            factor = one.units_per_reservation
            prefix = "reservation_"
            columns: Columns = {
                **self._frame(period, start, end),
                **_billed_to(one.account, one.product, f"HeavyUsage:{one.instance_type}"),
                **_of_reservation(one),
                "line_item_line_item_type": "RIFee",
                "line_item_operation": one.operation,
                "line_item_usage_amount": count * hours * ONE,
                "line_item_normalization_factor": factor * ONE,
                "line_item_normalized_usage_amount": reserved,
                "line_item_line_item_description": f"{one.instance_type} reserved instance applied",
                "product_instance_type": one.instance_type,
                f"{prefix}upfront_value": self._upfront(one),
                f"{prefix}net_upfront_value": _net(self._upfront(one)),
                f"{prefix}number_of_reservations": str(count),
                f"{prefix}units_per_reservation": str(hours),
                f"{prefix}normalized_units_per_reservation": str(factor),
                f"{prefix}total_reserved_units": str(count * hours),
                f"{prefix}total_reserved_normalized_units": str(count * hours * factor),
                f"{prefix}amortized_upfront_fee_for_billing_period": amortized,
                f"{prefix}net_amortized_upfront_fee_for_billing_period": _net(amortized),
                f"{prefix}unused_quantity": unused // factor,
                f"{prefix}unused_normalized_unit_quantity": unused,
                f"{prefix}unused_amortized_upfront_fee_for_billing_period": unused_amortized,
                f"{prefix}net_unused_amortized_upfront_fee_for_billing_period": _net(
                    unused_amortized
                ),
                f"{prefix}unused_recurring_fee": unused_recurring,
                f"{prefix}net_unused_recurring_fee": _net(unused_recurring),
            }
            yield Charge(self._priced(columns, fee), *_UNUSED_RESERVATION.at(start))

    def _fees_and_credits(self, period: Period) -> Iterator[Charge]:
        """What no hour asked for: taxes, support, domains, a contract, credits and refunds."""
        frame = self._frame(period, period.start, period.end)
        for kind, account, product, usage_type, low, high, mark in (
            ("Tax", PRODUCTION, "AmazonEC2", "", 180, 260, None),
            ("Tax", PRODUCTION, "AmazonS3", "", 9, 14, None),
            ("Tax", DATA, "AmazonEC2", "", 60, 90, None),
            ("Tax", SANDBOX, "AmazonEC2", "", 1, 2, None),
            ("Fee", PAYER, "AWSSupportBusiness", "Dollar", 900, 1100, None),
            ("Fee", PAYER, "AmazonRegistrar", "domain-registrar-com", 26, 39, None),
            ("Fee", PAYER, "2k8r3wq7demo", "MP:contract", 120, 120, None),
            ("Credit", PRODUCTION, "AmazonEC2", "BoxUsage:m5.large", -400, -250, None),
            ("Refund", DATA, "AmazonS3", "TimedStorage-ByteHrs", -9, -3, tagged("reporting")),
        ):
            is_marketplace = usage_type.startswith("MP:")
            cents = self._chance.between(low * 100, high * 100, kind, account, product, period.name)
            fraction = 10 * self._chance.between(0, 10_000_000, "cent", kind, product, period.name)
            columns: Columns = {
                **frame,
                **_billed_to(account, product, usage_type),
                "line_item_line_item_type": kind,
                "line_item_usage_amount": ONE,
                "line_item_tax_type": "VAT" if kind == "Tax" else "",
                "line_item_line_item_description": f"{kind} for {product}",
            }
            if kind == "Refund":
                columns["bill_bill_type"] = "Refund"
            if is_marketplace:
                columns["bill_billing_entity"] = "AWS Marketplace"
                columns["line_item_legal_entity"] = "Example Contracts, Inc."
            if mark:
                columns["resource_tags"] = mark.tags
            amount = cents * (ONE // 100) + fraction
            self._priced(columns, amount, is_discounted=product == "AmazonRegistrar")
            label, rule = (mark or untagged(account, product)).at(period.start)
            yield Charge(columns, label, rule)

    def _discount_rows(self, period: Period) -> Iterator[Charge]:
        """The negotiated discount in lines of its own: its net cost is nothing."""
        frame = self._frame(period, period.start, period.end)
        for (account, product, usage_type), amount in sorted(self._discounts.items()):
            columns: Columns = {
                **frame,
                **_billed_to(account, product, usage_type),
                "line_item_line_item_type": "EdpDiscount",
                "line_item_line_item_description": "Enterprise Discount Program 10%",
                "line_item_unblended_cost": amount,
                "line_item_blended_cost": amount,
                "line_item_net_unblended_cost": 0,
            }
            yield Charge(columns, *untagged(account, product).at(period.start))


def _net(gross: int) -> int:
    return share(gross, NEGOTIATED_TENTHS, 10)


def _billed_to(account: str, product: str, usage_type: str) -> Columns:
    return {
        "line_item_usage_account_id": account,
        "line_item_usage_account_name": ACCOUNT_NAMES[account],
        "line_item_product_code": product,
        "line_item_usage_type": usage_type,
    }


def _usage_type(machine: Machine) -> str:
    usage = "SpotUsage" if machine.is_spot else "BoxUsage"
    return f"{USAGE_TYPE_PREFIX[machine.region]}{usage}:{machine.instance_type.name}"


def _operation(machine: Machine) -> str:
    if machine.is_spot:
        return "RunInstances:SV042"
    return "RunInstances:0002" if machine.operating_system == WINDOWS else "RunInstances"


@cache
def _machine_columns(machine: Machine) -> Columns:
    kind = machine.instance_type
    return {
        **_billed_to(machine.account, "AmazonEC2", _usage_type(machine)),
        "line_item_operation": _operation(machine),
        "line_item_availability_zone": machine.zone,
        "line_item_resource_id": machine.resource_id,
        "line_item_normalization_factor": kind.normalized_units * ONE,
        "line_item_line_item_description": f"{machine.operating_system} {kind.name}",
        "pricing_unit": "Hrs",
        "pricing_currency": "USD",
        "pricing_public_on_demand_rate": as_short_text(machine.list_price),
        "product": {
            "instance_type_family": kind.family,
            "operating_system": machine.operating_system,
            "product_name": "Amazon Elastic Compute Cloud",
            "region": machine.region,
            "tenancy": "Shared",
        },
        "product_instance_type": kind.name,
        "product_product_family": "Compute Instance",
        "product_region_code": machine.region,
        "product_servicecode": "AmazonEC2",
        "resource_tags": machine.mark.tags,
    }


@cache
def _meter_columns(meter: Meter, operation: int) -> Columns:
    prefix = USAGE_TYPE_PREFIX[meter.region]
    suffix = f":{operation:04}" if operation else ""
    columns: Columns = {
        **_billed_to(meter.account, meter.product, f"{prefix}{meter.usage_type}"),
        "line_item_line_item_type": "Usage",
        "line_item_operation": f"{meter.operation}{suffix}",
        "line_item_resource_id": meter.resource,
        "line_item_unblended_rate": as_short_text(meter.price),
        "line_item_line_item_description": f"{meter.operation} per {meter.unit}",
        "pricing_term": "OnDemand",
        "pricing_unit": meter.unit,
        "pricing_currency": "USD",
        "pricing_public_on_demand_rate": as_short_text(meter.price),
        "product": {**meter.attributes, "region": meter.region},
        "product_instance_type": meter.instance_type,
        "product_region_code": meter.region,
        "product_servicecode": meter.product,
        "resource_tags": meter.mark.tags,
    }
    if meter.is_marketplace:
        columns["bill_billing_entity"] = "AWS Marketplace"
        columns["line_item_legal_entity"] = "Example Hosts, Inc."
    return columns


@cache
def _of_reservation(one: Reservation) -> Columns:
    return {
        "pricing_term": "Reserved",
        "pricing_lease_contract_length": "1yr",
        "pricing_offering_class": "standard",
        "pricing_purchase_option": one.payment_option,
        "product": {"instance_type_family": one.family, "region": EAST},
        "product_region_code": EAST,
        "reservation_reservation_a_r_n": one.arn,
        "reservation_subscription_id": str(int(one.name[-12:], 16) + 4_200_000_000),
        "reservation_start_time": stamp(one.bought),
        "reservation_end_time": stamp(one.bought + _TERM),
    }


def _used_of(one: Reservation, normalized_usage: int) -> Columns:
    """What usage took of a reservation: its part of the upfront payment and of the fee."""
    amortized = share(one.upfront_rate, normalized_usage, ONE)
    recurring = share(one.recurring_rate, normalized_usage, ONE)
    return {
        "reservation_reservation_a_r_n": one.arn,
        "reservation_subscription_id": _of_reservation(one)["reservation_subscription_id"],
        "pricing_purchase_option": one.payment_option,
        "reservation_amortized_upfront_cost_for_usage": amortized,
        "reservation_recurring_fee_for_usage": recurring,
        "reservation_effective_cost": amortized + recurring,
        "reservation_net_amortized_upfront_cost_for_usage": _net(amortized),
        "reservation_net_recurring_fee_for_usage": _net(recurring),
        "reservation_net_effective_cost": _net(amortized) + _net(recurring),
    }


@cache
def _covered_by(plan: SavingsPlan) -> Columns:
    return {
        "savings_plan_savings_plan_a_r_n": plan.arn,
        "savings_plan_offering_type": "ComputeSavingsPlans",
        "savings_plan_payment_option": plan.payment_option,
        "savings_plan_purchase_term": "1yr",
        "savings_plan_start_time": stamp(plan.bought),
        "savings_plan_end_time": stamp(plan.bought + _TERM),
    }
