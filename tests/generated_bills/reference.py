"""What a bill truly costs, worked out from its delivered lines and from nothing else.

A second implementation, in whole numbers of 1e-10 dollars: it is given the lines of one payer as
AWS's text by AWS's names (CUR 2.0) and returns the rows of the mart `true_cost`. It is written
from the words of the documentation, one line after the other, and imports nothing of the project.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from json import dumps, loads
from typing import NamedTuple, TypeVar
from unicodedata import normalize

Line = Mapping[str, str]
Key = TypeVar("Key")
HOUR = timedelta(hours=1)
SPLIT_COST_OPERATIONS = ("EKSPod-EC2", "ECSTask-EC2")

NEVER = re.compile(r"(?!)")
INSTANCES = {
    "AmazonEC2": re.compile(r".*BoxUsage|(.+-)?DedicatedUsage:"),
    "AmazonRDS": re.compile(r"(.+-)?(InstanceUsage\w*|Multi-AZ\w*Usage):"),
    "AmazonElastiCache": re.compile(r"(.+-)?NodeUsage:"),
    "AmazonRedshift": re.compile(r"(.+-)?Node:"),
    "AmazonES": re.compile(r"(.+-)?ESInstance:"),
}
"""Service -> the usage types of the instances that reservations and savings plans pay for, of
those services that the generated bills use."""

SERVERLESS = {
    "AmazonECS": (re.compile(r"(.+-)?Fargate-(ARM-)?(vCPU-Hours:perCPU|GB-Hours)$"), "Fargate"),
    "AWSLambda": (re.compile(r"(.+-)?Lambda-(Provisioned-)?GB-Second"), "Lambda"),
}
"""Service -> the usage types that savings plans pay for, and the one family that they are."""


class Row(NamedTuple):
    """The key of a row of the mart; ties are broken in this order."""

    usage_hour: datetime
    billing_period: str
    payer: str
    account: str
    label: str
    label_rule: int | None
    product: str
    usage_type: str
    operation: str
    region: str
    instance_type: str
    pricing_model: str
    charge_class: str
    is_period_charge: bool


class Costs(NamedTuple):
    """What a row of the mart says, in units of 1e-10; None is NULL."""

    usage_amount: int | None
    list_cost: int
    unblended_cost: int
    net_unblended_cost: int
    net_amortized_cost: int
    true_cost: int
    cost_to_come: int


class Charge(NamedTuple):
    """What lines are added up by before anything is allocated; ties are broken in this order."""

    billing_period: str
    payer: str
    account: str
    charge_class: str
    pricing_model: str
    product: str
    usage_type: str
    operation: str
    region: str
    instance_type: str
    tags: str
    reservation: str
    savings_plan: str
    pool: tuple[str, ...]
    bill_type: str
    usage_hour: datetime
    interval_hours: int
    is_period_charge: bool


@dataclass
class Sum:
    """What the lines of a charge add up to, in units of 1e-10."""

    usage: int | None = None
    normalized: int | None = None
    listed: int = 0
    unblended: int = 0
    net: int = 0
    amortized: int = 0
    prepaid: int = 0
    recurring: int = 0
    upfront: int = 0

    def add(self, other: "Sum") -> None:
        for name, amount in vars(other).items():
            if amount is not None:
                setattr(self, name, (getattr(self, name) or 0) + amount)

    @property
    def of_a_reservation(self) -> int:
        """Normalized units that were used; hours, where the service knows no such units."""
        return (self.usage or 0) if self.normalized is None else self.normalized


@dataclass
class Reservation:
    """What the fee lines of a reservation say about its size and its term."""

    count: Decimal | None = None
    units_each: Decimal | None = None
    hours: Decimal = Decimal(0)
    unused_hours: Decimal | None = None
    starts: list[datetime] = field(default_factory=list)
    ends: list[datetime] = field(default_factory=list)


def units(text: str) -> int | None:
    """An amount as it lands: rounded to ten digits, half away from zero."""
    if not text:
        return None
    return int(Decimal(text).quantize(Decimal("1e-10"), ROUND_HALF_UP).scaleb(10))


def first(line: Line, *columns: str) -> int | None:
    """The first of the columns that says something."""
    found = (units(line.get(column, "")) for column in columns)
    return next((amount for amount in found if amount is not None), None)


def scaled(amount: int, numerator: int, denominator: int) -> int:
    """`amount x numerator / denominator`, rounded half up."""
    return (2 * amount * numerator + denominator) // (2 * denominator)


def allocated(
    whole: int, weights: Mapping[Key, int], tie: Callable[[Key], object]
) -> dict[Key, int]:
    """Parts that add up to the whole: rounded down, what is left to the largest remainders."""
    if not sum(weights.values()):
        weights = dict.fromkeys(weights, 1)
    total = sum(weights.values())
    parts = {key: weight * whole // total for key, weight in weights.items()}
    ranked = sorted(weights, key=tie)  # type: ignore[arg-type]
    ranked.sort(key=lambda key: weights[key] * whole % total, reverse=True)
    for key in ranked[: whole - sum(parts.values())]:
        parts[key] += 1
    return parts


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z"))


def hour_of(line: Line, grain: int) -> datetime:
    """The start of the interval that a line is for: of its hour or, in a daily report, its day."""
    if interval := line["identity_time_interval"]:
        return moment(interval.split("/")[0])
    hour = moment(line["line_item_usage_start_date"]).replace(minute=0, second=0)
    return hour.replace(hour=0) if grain > 1 else hour


def hours_between(start: datetime, end: datetime) -> int:
    """Hours, the last one counted whole."""
    return -((start - end) // HOUR)


def grain_hours(lines: Iterable[Line]) -> int:
    """The grain of a report: the shortest interval of its Usage lines."""
    intervals = [
        line["identity_time_interval"].split("/")
        for line in lines
        if line["line_item_line_item_type"] == "Usage" and line["identity_time_interval"]
    ]
    return max(1, min((moment(end) - moment(start)) // HOUR for start, end in intervals))


def is_discount(line: Line) -> bool:
    """A negotiated discount; a bundled one is a price of usage, like a credit."""
    kind = line["line_item_line_item_type"]
    return kind.endswith("Discount") and kind != "BundledDiscount"


def is_reservation_fee(line: Line) -> bool:
    """What was paid upfront for a reservation, whose ARN may have been blanked."""
    named = line["reservation_reservation_a_r_n"] or "HeavyUsage" in line["line_item_usage_type"]
    return line["line_item_line_item_type"] == "Fee" and bool(named)


def charge_class_of(line: Line) -> str:
    kind = line["line_item_line_item_type"]
    if is_discount(line):
        return "discount"
    if kind in ("Usage", "Fee") and line["bill_billing_entity"] == "AWS Marketplace":
        return "marketplace"
    if is_reservation_fee(line):
        return "commitment_prepayment"
    if kind == "Fee":
        is_support = line["line_item_product_code"].startswith("AWSSupport")
        return "support" if is_support else "fee"
    return {
        "Usage": "usage",
        "DiscountedUsage": "usage",
        "SavingsPlanCoveredUsage": "usage",
        "FlatRateSubscription": "usage",
        "RIFee": "commitment_fee",
        "SavingsPlanRecurringFee": "commitment_fee",
        "SavingsPlanUpfrontFee": "commitment_prepayment",
        "SavingsPlanNegation": "negation",
        "Tax": "tax",
        "Credit": "credit",
        "BundledDiscount": "credit",
        "Refund": "refund",
    }.get(kind, "other")


def pricing_model_of(line: Line) -> str:
    kind = line["line_item_line_item_type"]
    if line["pricing_term"] == "Spot" or "SpotUsage" in line["line_item_usage_type"]:
        return "spot"
    if kind.startswith("SavingsPlan"):
        return "savings_plan"
    if kind in ("DiscountedUsage", "RIFee"):
        return "reserved"
    if is_reservation_fee(line):
        return "reserved"
    return "on_demand" if kind == "Usage" else "none"


def commitment_of(line: Line) -> str:
    """The commitment that a line names; a refund of a plan may name only the kind of plan."""
    return (
        line["reservation_reservation_a_r_n"]
        or line["savings_plan_savings_plan_a_r_n"]
        or line["line_item_product_code"]
    )


def pool_of(line: Line) -> tuple[str, ...]:
    """Instances of a family share their commitments, and so do Fargate's and Lambda's hours; spot
    instances do not, nor what has no list price."""
    listed = units(line["pricing_public_on_demand_cost"]) or 0
    if (
        line["line_item_line_item_type"]
        not in ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage")
        or charge_class_of(line) != "usage"
        or pricing_model_of(line) == "spot"
        or listed <= 0
    ):
        return ()
    product = loads(line["product"] or "{}")
    family = product.get("instance_type_family") or family_of(line["product_instance_type"])
    service, usage_type = line["line_item_product_code"], line["line_item_usage_type"]
    if committed := SERVERLESS.get(service):
        pattern, family = committed
    else:
        pattern = INSTANCES.get(service, NEVER)
    if not family or not pattern.match(usage_type):
        return ()
    # Neither column says what a reservation of it could reach.
    told_by = {
        "AmazonEC2": "operating_system",
        "AmazonRDS": "database_engine",
        "AmazonElastiCache": "database_engine",
    }
    if service in told_by and not (product.get(told_by[service]) or line["line_item_operation"]):
        return ()
    keys = ("operating_system", "tenancy", "database_engine", "deployment_option")
    members = (product.get(key, "") for key in keys)
    return (service, region_of(line), family, *members)


def family_of(instance_type: str) -> str:
    """All but the size, which stands behind the last dot; OpenSearch says its name behind it."""
    instance_type = instance_type.removesuffix(".search").removesuffix(".elasticsearch")
    return instance_type[: instance_type.rindex(".")] if "." in instance_type else instance_type


def region_of(line: Line) -> str:
    return line["product_region_code"] or str(loads(line["product"] or "{}").get("region", ""))


def without_net(line: Line) -> Line:
    """A line of a bill without net costs: what pays for a commitment is gross, and so is it."""
    return {column: "" if "_net_" in column else value for column, value in line.items()}


def net_amortized(line: Line, net: int, is_prepayment_refund: bool) -> int:
    """What a line costs as AWS applied commitments and discounts to it."""
    match line["line_item_line_item_type"]:
        case "DiscountedUsage":
            cost = first(
                line,
                "reservation_net_effective_cost",
                "reservation_effective_cost",
                "line_item_net_unblended_cost",
                "line_item_unblended_cost",
            )
            return cost or 0
        case "SavingsPlanCoveredUsage":
            cost = first(
                line,
                "savings_plan_net_savings_plan_effective_cost",
                "savings_plan_savings_plan_effective_cost",
                "line_item_net_unblended_cost",
                "line_item_unblended_cost",
            )
            return cost or 0
        case "RIFee":
            upfront = first(
                line,
                "reservation_net_unused_amortized_upfront_fee_for_billing_period",
                "reservation_unused_amortized_upfront_fee_for_billing_period",
            )
            recurring = first(
                line, "reservation_net_unused_recurring_fee", "reservation_unused_recurring_fee"
            )
            return (upfront or 0) + (recurring or 0)
        case "SavingsPlanRecurringFee":
            return unused_of_the_plan(line, with_net=True)
    if charge_class_of(line) in ("negation", "commitment_prepayment"):
        return 0
    return 0 if is_prepayment_refund else net


def unused_of_the_plan(line: Line, with_net: bool) -> int:
    """The commitment that nobody used; net in the ratio of the whole plan's net cost."""
    unused = (first(line, "savings_plan_total_commitment_to_date") or 0) - (
        first(line, "savings_plan_used_commitment") or 0
    )
    parts = ("recurring_commitment", "amortized_upfront_commitment")
    gross = net = 0
    for part in parts:
        gross_column = f"savings_plan_{part}_for_billing_period"
        gross += first(line, gross_column) or 0
        net += first(line, f"savings_plan_net_{part}_for_billing_period", gross_column) or 0
    return scaled(unused, net, gross) if with_net and gross else unused


def gross_parts(line: Line) -> tuple[int, int]:
    """What the upfront and what the recurring fee pay of a commitment's use, discounts aside."""
    match line["line_item_line_item_type"]:
        case "DiscountedUsage":
            whole = first(line, "reservation_effective_cost", "line_item_unblended_cost") or 0
            upfront = first(line, "reservation_amortized_upfront_cost_for_usage") or 0
            return upfront, whole - upfront
        case "RIFee":
            return (
                first(line, "reservation_unused_amortized_upfront_fee_for_billing_period") or 0,
                first(line, "reservation_unused_recurring_fee") or 0,
            )
        case "SavingsPlanCoveredUsage":
            columns = ("savings_plan_savings_plan_effective_cost", "line_item_unblended_cost")
            return 0, first(line, *columns) or 0
        case "SavingsPlanRecurringFee":
            return 0, unused_of_the_plan(line, with_net=False)
    return 0, 0


class Bill:
    """The lines of one payer, priced.

    Args:
        lines: Of any number of billing periods.
        grains: The grain of each billing period's report, in hours.
        pooling: `family` or `none`.
    """

    def __init__(self, lines: Iterable[Line], grains: Mapping[str, int], pooling: str) -> None:
        self.grains = grains
        self.pooling = pooling
        self.lines = [
            line for line in lines if line["line_item_operation"] not in SPLIT_COST_OPERATIONS
        ]
        self.charges: dict[Charge, Sum] = defaultdict(Sum)
        self.reservations: dict[tuple[str, str], Reservation] = defaultdict(Reservation)
        self.usage_ends = max(
            (end for end in map(self._end_of_usage, self.lines) if end), default=None
        )
        self.prepaid: dict[str, list[int]] = defaultdict(list)
        self.unamortized: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for line in self.lines:
            self._note_prepayment(line)
        self.with_net = {
            self.period_of(line)
            for line in self.lines
            if first(line, "line_item_net_unblended_cost") and not is_discount(line)
        }

    def rows(self) -> dict[Row, Costs]:
        """The rows of the mart."""
        for line in self.lines:
            self._price(line)
        self._blend_discounts()
        self._keep_what_nothing_amortizes()
        rows: dict[Row, list[Costs]] = defaultdict(list)
        for row, costs in [*self._shared(), *self._wasted()]:
            rows[row].append(costs)
        return {row: added(parts) for row, parts in rows.items()}

    @staticmethod
    def period_of(line: Line) -> str:
        return line["bill_billing_period_start_date"][:7]

    def _note_prepayment(self, line: Line) -> None:
        """Amounts paid upfront, by commitment; of reservations also what speaks against keeping."""
        kind, arn = line["line_item_line_item_type"], line["reservation_reservation_a_r_n"]
        gross = first(line, "line_item_unblended_cost") or 0
        net = first(line, "line_item_net_unblended_cost", "line_item_unblended_cost") or 0
        if kind == "SavingsPlanUpfrontFee" or is_reservation_fee(line):
            self.prepaid[commitment_of(line)] += [gross, net]
            if not arn:
                self.prepaid[line["line_item_product_code"]] += [gross, net]
        if not arn:
            return
        columns = (
            "reservation_amortized_upfront_fee_for_billing_period",
            "reservation_amortized_upfront_cost_for_usage",
            "reservation_effective_cost",
        )
        known = self.unamortized[arn]
        known[2] += sum(abs(first(line, column) or 0) for column in columns)
        # Of instances a fee alone is followed by AWS's own amortization.
        known[3] += kind not in ("Fee", "Refund")
        if kind in ("Fee", "Refund"):
            known[0] += gross
            known[1] += net if kind == "Fee" else gross

    def _is_prepayment_refund(self, line: Line) -> bool:
        """Whether a refund gives back what a commitment of the payer was paid with."""
        gross = first(line, "line_item_unblended_cost") or 0
        given = self.prepaid[commitment_of(line)]
        return line["line_item_line_item_type"] == "Refund" and -gross in given

    def _keep_what_nothing_amortizes(self) -> None:
        """An upfront fee without any amortized cost is a cost of the month that has it."""
        for charge, costs in list(self.charges.items()):
            gross, net, amortized, other_lines = self.unamortized[charge.reservation]
            if not other_lines or gross <= 0 or net <= 0 or amortized:
                continue
            if charge.charge_class == "commitment_prepayment":
                kept = charge._replace(charge_class="amortized_prepayment", savings_plan="")
                self.charges[kept].add(Sum(amortized=costs.net))

    def _end_of_usage(self, line: Line) -> datetime | None:
        """When an hour (or day) of usage ends; None for what is no such usage."""
        start, end = (moment(line[f"line_item_usage_{side}_date"]) for side in ("start", "end"))
        grain = self.grains[self.period_of(line)]
        if charge_class_of(line) != "usage" or hours_between(start, end) > grain:
            return None
        return hour_of(line, grain) + grain * HOUR

    def _is_to_come(self, period: str, hour: datetime) -> bool:
        """Whether the hour is behind all usage of the payer, on a bill that is open."""
        starts = datetime.fromisoformat(f"{period}-01")
        ends = (starts + timedelta(days=31)).replace(day=1)
        reached = self.usage_ends or starts
        return reached < ends and hour >= max(reached, starts)

    def _price(self, line: Line) -> None:
        period = self.period_of(line)
        has_net = period in self.with_net
        unblended = first(line, "line_item_unblended_cost") or 0
        net = unblended
        if has_net:
            given = first(line, "line_item_net_unblended_cost")
            net = (given or 0) if is_discount(line) else unblended if given is None else given
        start = moment(line["line_item_usage_start_date"])
        end = moment(line["line_item_usage_end_date"])
        hour = hour_of(line, self.grains[period])
        is_period_charge = hours_between(start, end) > self.grains[period]
        prepaid, recurring = gross_parts(line)
        charge = Charge(
            billing_period=period,
            payer=line["bill_payer_account_id"],
            account=line["line_item_usage_account_id"],
            charge_class=self._class_of(line),
            pricing_model=pricing_model_of(line),
            product=line["line_item_product_code"],
            usage_type=line["line_item_usage_type"],
            operation=line["line_item_operation"],
            region=region_of(line),
            instance_type=line["product_instance_type"],
            tags=tags_of(line),
            reservation=line["reservation_reservation_a_r_n"],
            savings_plan=line["savings_plan_savings_plan_a_r_n"],
            pool=pool_of(line),
            bill_type=line["bill_bill_type"],
            usage_hour=hour,
            interval_hours=(
                max(1, hours_between(hour, end)) if is_period_charge else self.grains[period]
            ),
            is_period_charge=is_period_charge,
        )
        self.charges[charge].add(
            Sum(
                usage=first(line, "line_item_usage_amount"),
                normalized=first(line, "line_item_normalized_usage_amount"),
                listed=first(line, "pricing_public_on_demand_cost") or 0,
                unblended=unblended,
                net=net,
                amortized=net_amortized(
                    line if has_net else without_net(line), net, self._is_prepayment_refund(line)
                ),
                prepaid=prepaid,
                recurring=recurring,
                upfront=first(line, "savings_plan_amortized_upfront_commitment_for_billing_period")
                or 0,
            )
        )
        if line["line_item_line_item_type"] == "RIFee":
            self._measure(line, self.reservations[period, charge.reservation], start, end)

    def _class_of(self, line: Line) -> str:
        if line["line_item_line_item_type"] == "SavingsPlanRecurringFee" and self._is_to_come(
            self.period_of(line), hour_of(line, self.grains[self.period_of(line)])
        ):
            return "commitment_to_come"
        return charge_class_of(line)

    @staticmethod
    def _measure(line: Line, reservation: Reservation, start: datetime, end: datetime) -> None:
        reservation.starts.append(start)
        reservation.ends.append(end)
        if text := line["reservation_number_of_reservations"]:
            reservation.count = max(Decimal(text), reservation.count or Decimal(0))
        if text := line["reservation_normalized_units_per_reservation"]:
            reservation.units_each = max(Decimal(text), reservation.units_each or Decimal(0))
        reservation.hours += Decimal(line["line_item_usage_amount"] or 0)
        if text := line["reservation_unused_quantity"]:
            reservation.unused_hours = Decimal(text) + (reservation.unused_hours or Decimal(0))

    def _blend_discounts(self) -> None:
        """Gives discounts that are lines of their own back to the charges that earned them."""
        periods = {
            charge.billing_period for charge in self.charges if charge.charge_class == "discount"
        } - self.with_net
        got_off: dict[Charge, int] = defaultdict(int)
        for period in periods:
            self._allocate_discounts(period, got_off)
        for charge, amount in got_off.items():
            self.charges[charge].net += amount
        for charge, costs in self.charges.items():
            if charge.billing_period in periods:
                costs.amortized = self._amortized_after_discounts(charge, costs)

    def _allocate_discounts(self, period: str, got_off: dict[Charge, int]) -> None:
        here = [charge for charge in self.charges if charge.billing_period == period]
        earners = [
            charge for charge in here if earns(charge) and self.charges[charge].unblended > 0
        ]
        discounts: dict[tuple[str, str, str, str], list[Charge]] = defaultdict(list)
        for charge in here:
            if charge.charge_class == "discount":
                key = (charge.account, charge.product, charge.usage_type, charge.bill_type)
                discounts[key].append(charge)
        for (account, product, usage_type, bill_type), lines in discounts.items():
            own = [earner for earner in earners if earner.account == account]
            of_product = [earner for earner in own if earner.product == product]
            reached = (
                [
                    earner
                    for earner in of_product
                    if (earner.usage_type, earner.bill_type) == (usage_type, bill_type)
                ]
                or of_product
                or [earner for earner in own if earner.charge_class != "marketplace"]
                or [earner for earner in earners if earner.charge_class != "marketplace"]
            )
            if not reached:
                continue
            whole = sum(self.charges[line].unblended for line in lines)
            weights = {earner: self.charges[earner].unblended for earner in reached}
            for earner, part in allocated(whole, weights, tie=lambda charge: charge).items():
                got_off[earner] += part
            for line in lines:
                got_off[line] -= self.charges[line].unblended

    def _amortized_after_discounts(self, charge: Charge, costs: Sum) -> int:
        """What its fees got off, the use of a commitment gets off as well."""
        covered = charge.charge_class == "usage" and charge.pricing_model in (
            "reserved",
            "savings_plan",
        )
        if covered or charge.charge_class in ("commitment_fee", "commitment_to_come"):
            upfront, recurring = self._net_and_gross_fees(charge)
            return scaled(costs.prepaid, *upfront) + scaled(costs.recurring, *recurring)
        if charge.charge_class in ("negation", "commitment_prepayment"):
            return 0
        return costs.amortized if charge.charge_class == "refund" else costs.net

    def _net_and_gross_fees(self, charge: Charge) -> tuple[tuple[int, int], tuple[int, int]]:
        """What is paid upfront for its commitment, and what in the billing period."""
        arn = charge.reservation + charge.savings_plan
        fees = {
            fee: costs
            for fee, costs in self.charges.items()
            if arn and fee.reservation + fee.savings_plan == arn
        }
        upfront = net_and_gross(
            costs for fee, costs in fees.items() if fee.charge_class == "commitment_prepayment"
        )
        in_period = {
            fee: costs
            for fee, costs in fees.items()
            if fee.charge_class in ("commitment_fee", "commitment_to_come")
            and fee.billing_period == charge.billing_period
        }
        recurring = net_and_gross(in_period.values())
        if recurring is None:
            # A commitment without a recurring fee was paid upfront, all of it.
            return upfront or (1, 1), upfront or (1, 1)
        # The usage of a plan pays both in one amount.
        amortized = sum(
            costs.upfront for fee, costs in in_period.items() if fee.pricing_model == "savings_plan"
        )
        net, gross = recurring
        of_both = (net + scaled(amortized, *(upfront or (1, 1))), gross + amortized)
        return upfront or (1, 1), of_both

    def _shared(self) -> Iterable[tuple[Row, Costs]]:
        """Every charge with its label; pools share what their members cost."""
        pools: dict[tuple[object, ...], dict[tuple[Row, int], Sum]] = defaultdict(
            lambda: defaultdict(Sum)
        )
        for charge, costs in self.charges.items():
            row = self._row(charge)
            if charge.pool:
                pool = (charge.billing_period, charge.usage_hour, charge.pool)
                pools[pool][row, charge.interval_hours].add(costs)
                continue
            # What was unused of a reservation stands in the hours that wasted it.
            stays = (charge.charge_class, charge.pricing_model) != ("commitment_fee", "reserved")
            if charge.charge_class == "commitment_to_come":
                yield row, costs_of(costs, 0, costs.amortized)
            else:
                yield row, costs_of(costs, costs.amortized if stays else 0)
        for members in pools.values():
            true_costs = {key: costs.amortized for key, costs in members.items()}
            if self.pooling == "family":
                listed = {key: costs.listed for key, costs in members.items()}
                true_costs = allocated(sum(true_costs.values()), listed, tie=nulls_last)
            for key, costs in members.items():
                yield key[0], costs_of(costs, true_costs[key])

    def _row(self, charge: Charge) -> Row:
        label, rule = label_of(charge.tags)
        if charge.charge_class == "commitment_fee":
            label = "_unused_ri" if charge.pricing_model == "reserved" else "_unused_sp"
            rule = None
        elif charge.charge_class == "commitment_to_come":
            label, rule = "unlabeled", None
        elif charge.charge_class == "discount" and charge.billing_period not in self.with_net:
            label, rule = "_unallocated_discount", None
        return Row(
            charge.usage_hour,
            charge.billing_period,
            charge.payer,
            charge.account,
            label,
            rule,
            charge.product,
            charge.usage_type,
            charge.operation,
            charge.region,
            charge.instance_type,
            charge.pricing_model,
            charge.charge_class,
            charge.is_period_charge,
        )

    def _wasted(self) -> Iterable[tuple[Row, Costs]]:
        """What was unused of reservations, in the hours of their terms that did not use them."""
        fees: dict[tuple[Row, str], int] = defaultdict(int)
        no_hour_yet = datetime(1, 1, 1)
        for charge, costs in self.charges.items():
            if (charge.charge_class, charge.pricing_model) == ("commitment_fee", "reserved"):
                row = self._row(charge)._replace(
                    usage_hour=no_hour_yet,
                    charge_class="unused_commitment",
                    is_period_charge=False,
                )
                fees[row, charge.reservation] += costs.amortized
        of_both: dict[tuple[str, str], int] = defaultdict(int)
        for (row, reservation), whole in fees.items():
            of_both[row.billing_period, reservation] += whole
        for (row, reservation), whole in fees.items():
            period = row.billing_period
            weights = self._unused_units(period, reservation, of_both[period, reservation])
            for hour, part in allocated(whole, weights, tie=lambda hour: hour).items():
                if part and self._is_to_come(period, hour):
                    to_come = row._replace(
                        usage_hour=hour, charge_class="commitment_to_come", label="unlabeled"
                    )
                    yield to_come, Costs(0, 0, 0, 0, 0, 0, part)
                elif part:
                    yield row._replace(usage_hour=hour), Costs(0, 0, 0, 0, 0, part, 0)

    def _unused_units(self, period: str, arn: str, whole: int) -> dict[datetime, int]:
        """The normalized units that were reserved and not used, by hour (or day) of the term.

        In an open month hours to come are among them, unless what AWS says was unused is rather
        that of the hours so far, at the price of what was used.
        """
        grain = self.grains[period]
        reservation = self.reservations[period, arn]
        used: dict[datetime, int] = defaultdict(int)
        used_cost = 0
        for charge, costs in self.charges.items():
            if (charge.billing_period, charge.reservation, charge.charge_class) == (
                period,
                arn,
                "usage",
            ):
                used[charge.usage_hour] += costs.of_a_reservation
                used_cost += costs.amortized
        began = min(reservation.starts).replace(minute=0, second=0)
        hour = began.replace(hour=0) if grain > 1 else began
        end = max(reservation.ends)
        billed = [
            charge.usage_hour
            for charge in self.charges
            if charge.billing_period == period and not charge.is_period_charge
        ]
        is_open = self._is_to_come(period, datetime(9999, 1, 1))
        if billed and max(billed) >= hour and not is_open:
            end = min(end, max(billed) + grain * HOUR)
        hourly = units_per_hour(reservation, sum(used.values()))
        weights = {}
        while hour < end:
            hours = hours_between(max(hour, began), min(hour + grain * HOUR, end))
            weights[hour] = max(0, hourly * hours - used[hour])
            hour += grain * HOUR
        so_far = {
            hour: units for hour, units in weights.items() if not self._is_to_come(period, hour)
        }
        units_used, units_so_far = sum(used.values()), sum(so_far.values())
        units_to_come = sum(weights.values()) - units_so_far
        if so_far and units_used > 0 and used_cost > 0:
            price_of_half = used_cost * (2 * units_so_far + units_to_come)
            if 2 * whole * units_used <= price_of_half:
                return so_far
        return weights


def units_per_hour(reservation: Reservation, used: int) -> int:
    """The size of a reservation, as its fee says or as it follows from its use; 0 if neither."""
    if reservation.count is None:
        return 0
    if reservation.units_each:
        return int((reservation.count * reservation.units_each).scaleb(10))
    if reservation.unused_hours is None or reservation.hours <= reservation.unused_hours:
        return 0
    used_hours = reservation.hours - reservation.unused_hours
    return int(reservation.count * used // used_hours)


def net_and_gross(fees: Iterable[Sum]) -> tuple[int, int] | None:
    """What fees add up to, net and gross; None where there are none."""
    costs = list(fees)
    gross = sum(fee.unblended for fee in costs)
    return (sum(fee.net for fee in costs), gross) if gross > 0 else None


def earns(charge: Charge) -> bool:
    """Whether a discount can be on it: what is paid for, not what a commitment covers."""
    if charge.charge_class == "usage":
        return charge.pricing_model in ("on_demand", "spot", "none")
    return charge.charge_class in (
        "commitment_fee",
        "commitment_to_come",
        "commitment_prepayment",
        "fee",
        "support",
        "marketplace",
    )


def tags_of(line: Line) -> str:
    tags = {key: value for key, value in loads(line["resource_tags"] or "{}").items() if value}
    text = dumps(tags, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return normalize("NFC", text)


def label_of(tags: str) -> tuple[str, int | None]:
    """The team's tag, or else the service's; trimmed and in lower case."""
    known = loads(tags)
    if team := known.get("user_team", "").strip().lower():
        return team, 10
    if service := known.get("user_service", "").strip().lower():
        return f"service-{service}", 20
    return "unlabeled", None


def nulls_last(key: tuple[Row, int]) -> tuple[object, ...]:
    row, interval_hours = key
    rule = row.label_rule
    return (*row._replace(label_rule=0)[:5], rule is None, rule or 0, *row[6:], interval_hours)


def costs_of(costs: Sum, true_cost: int, to_come: int = 0) -> Costs:
    return Costs(
        *(costs.usage, costs.listed, costs.unblended, costs.net, costs.amortized),
        true_cost,
        to_come,
    )


def added(parts: Iterable[Costs]) -> Costs:
    columns = list(zip(*parts, strict=True))
    amounts = [amount for amount in columns[0] if amount is not None]
    usage = sum(amounts) if amounts else None
    return Costs(usage, *(sum(column) for column in columns[1:]))
