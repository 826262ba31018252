"""Bills that AWS could deliver: any mixture of lines, commitments and discounts, of one payer.

A bill is lines by AWS's names (CUR 2.0), all values text. Payer and accounts get their numbers
from `numbered`, so that many bills can share a delivery.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from json import dumps

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

Line = dict[str, str]
HOUR = timedelta(hours=1)
SLOTS = 4
"""How many hours (days, where the report is daily) of a billing period have usage."""

COLUMNS = """
    identity_time_interval bill_bill_type bill_billing_entity bill_billing_period_start_date
    bill_payer_account_id line_item_currency_code line_item_line_item_description
    line_item_line_item_type line_item_net_unblended_cost line_item_normalized_usage_amount
    line_item_operation line_item_product_code line_item_resource_id line_item_unblended_cost
    line_item_usage_account_id line_item_usage_amount line_item_usage_end_date
    line_item_usage_start_date line_item_usage_type pricing_public_on_demand_cost pricing_term
    product product_instance_type product_region_code resource_tags
    reservation_amortized_upfront_cost_for_usage
    reservation_amortized_upfront_fee_for_billing_period reservation_effective_cost
    reservation_net_amortized_upfront_fee_for_billing_period reservation_net_effective_cost
    reservation_net_unused_amortized_upfront_fee_for_billing_period
    reservation_net_unused_recurring_fee reservation_normalized_units_per_reservation
    reservation_number_of_reservations reservation_reservation_a_r_n
    reservation_unused_amortized_upfront_fee_for_billing_period reservation_unused_quantity
    reservation_unused_recurring_fee
    savings_plan_amortized_upfront_commitment_for_billing_period
    savings_plan_net_amortized_upfront_commitment_for_billing_period
    savings_plan_net_recurring_commitment_for_billing_period
    savings_plan_net_savings_plan_effective_cost
    savings_plan_recurring_commitment_for_billing_period savings_plan_savings_plan_a_r_n
    savings_plan_savings_plan_effective_cost savings_plan_total_commitment_to_date
    savings_plan_used_commitment discount_total_discount
""".split()

NET_OF = {
    "line_item_unblended_cost": "line_item_net_unblended_cost",
    "reservation_effective_cost": "reservation_net_effective_cost",
    "savings_plan_savings_plan_effective_cost": "savings_plan_net_savings_plan_effective_cost",
} | {
    f"{group}_{column}": f"{group}_net_{column}"
    for group, column in (
        ("reservation", "amortized_upfront_fee_for_billing_period"),
        ("reservation", "unused_amortized_upfront_fee_for_billing_period"),
        ("reservation", "unused_recurring_fee"),
        ("savings_plan", "amortized_upfront_commitment_for_billing_period"),
        ("savings_plan", "recurring_commitment_for_billing_period"),
    )
}
USAGE = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage", "FlatRateSubscription")
NOT_DISCOUNTED = ("Tax", "Credit", "Refund", "SavingsPlanCoveredUsage", "SavingsPlanNegation")

SIZES = {"dust": 9, "cents": 10**10, "dollars": 10**14, "millions": 10**17, "a billion": 10**19}
"""The largest amount of each size, in units of 1e-10 dollars."""

POOLED_AT_MOST = 10**17
"""What is allocated has to stay below a billion a group, and groups have several members."""


@dataclass(frozen=True)
class Period:
    """A billing period and the grain in which its report is delivered."""

    start: datetime
    grain: int

    @property
    def name(self) -> str:
        return f"{self.start:%Y-%m}"

    @property
    def end(self) -> datetime:
        return (self.start + timedelta(days=31)).replace(day=1)

    def slot(self, number: int) -> datetime:
        return self.start + number * self.grain * HOUR


PERIODS = (
    Period(datetime(2026, 3, 1), 1),
    Period(datetime(2026, 4, 1), 1),
    Period(datetime(2026, 5, 1), 24),
)


@dataclass(frozen=True)
class Instance:
    """What runs; two of one family share a pool where all but the size is alike.

    `units` are AWS's normalized units of it, None for a service that knows none.
    """

    type: str
    units: int | None
    region: str = "us-east-1"
    system: str = "Linux"
    tenancy: str = "Shared"
    service: str = "AmazonEC2"
    usage_type: str = "BoxUsage"
    database: tuple[str, str] = ("", "")

    @property
    def family(self) -> str:
        return self.type.split(".")[0]

    @property
    def full_usage_type(self) -> str:
        return f"{self.usage_type}:{self.type}" if self.type else self.usage_type

    def units_of(self, hours: Decimal) -> str:
        """The normalized units of so many hours, as text; empty if there are no such units."""
        return "" if self.units is None else f"{hours * self.units:f}"


INSTANCES = (
    Instance("m5.large", 4),
    Instance("m5.xlarge", 8),
    Instance("m5.24xlarge", 192),
    Instance("m5.xlarge", 8, system="Windows"),
    Instance("m5.xlarge", 8, tenancy="Dedicated"),
    Instance("c5.large", 4),
    Instance("c5.large", 4, region="eu-west-1"),
)
POSTGRES = ("PostgreSQL", "Single-AZ")
SERVICES = (
    Instance("db.r5.large", 4, "us-east-1", "", "", "AmazonRDS", "InstanceUsage", POSTGRES),
    Instance("db.r5.xlarge", 8, "us-east-1", "", "", "AmazonRDS", "InstanceUsage", POSTGRES),
    Instance(
        *("db.r5.xlarge", 16, "us-east-1", "", "", "AmazonRDS", "Multi-AZUsage"),
        ("PostgreSQL", "Multi-AZ"),
    ),
    Instance("cache.r5.large", 4, "us-west-2", "", "", "AmazonElastiCache", "USW2-NodeUsage"),
    Instance("ra3.xlplus", None, "us-east-1", "", "", "AmazonRedshift", "Node"),
    Instance("m5.large.search", None, "us-east-1", "", "", "AmazonES", "ESInstance"),
)
SERVERLESS = (
    Instance("", None, "us-east-1", "", "", "AmazonECS", "Fargate-vCPU-Hours:perCPU"),
    Instance("", None, "us-east-1", "", "", "AmazonECS", "Fargate-GB-Hours"),
    Instance("", None, "us-east-1", "", "", "AWSLambda", "Lambda-GB-Second"),
)
TAGS = (
    "",
    dumps({"user_team": "alpha"}),
    dumps({"user_team": " Beta "}),
    dumps({"user_service": "web", "user_team": "beta"}),
    dumps({"user_team": "", "user_service": "Cafe\u0301"}),
    dumps({"user_team": "", "user_other": "x"}),
)
DISCOUNTS = (
    "EdpDiscount",
    "PrivateRateDiscount",
    "RiVolumeDiscount",
    "SppDiscount",
    "DistributorDiscount",
    "BundledDiscount",
    "Discount",
)


@dataclass(frozen=True)
class Bill:
    """The lines of a payer, and how its discounts are presented.

    Attributes:
        mode: `M0` no discount, `M1` lines, `M2` net columns and lines, `M3` net columns and a
            discount column, `mixed` another way in each billing period.
        lines: The lines of all its billing periods.
    """

    mode: str
    lines: tuple[Line, ...]

    def numbered(self, number: int) -> list[Line]:
        """The lines with the payer's own number, and accounts of which one is everybody's.

        That one has no usage: the same hours of it on two bills would be counted twice.
        """
        accounts = {
            "payer": f"9{number:05}000000",
            "member": f"9{number:05}000001",
            "shared": "012345678901",
        }
        of_usage = accounts | {"shared": f"9{number:05}000002"}
        return [
            line
            | {"bill_payer_account_id": accounts["payer"]}
            | {
                "line_item_usage_account_id": (
                    of_usage if line["line_item_line_item_type"] in USAGE else accounts
                )[line["line_item_usage_account_id"]]
            }
            for line in self.lines
        ]


def text_of(amount: int) -> str:
    """Units of 1e-10 dollars as text."""
    return f"{Decimal(amount).scaleb(-10):f}"


def units_of(text: str) -> int:
    return int(Decimal(text or 0).scaleb(10).quantize(Decimal(1)))


def sizes_up_to(largest: int) -> SearchStrategy[int]:
    """Amounts above 0 of every size."""
    bounds = [0, *(bound for bound in SIZES.values() if bound < largest), largest]
    return st.one_of([st.integers(least + 1, most) for least, most in pairwise(bounds)])


pooled_amounts = sizes_up_to(POOLED_AT_MOST)
fractions = st.integers(0, 4)
accounts = st.sampled_from(("payer", "member", "shared"))
tags = st.sampled_from(TAGS)
reservable = st.one_of(st.sampled_from(INSTANCES), st.sampled_from(SERVICES))
plannable = st.one_of(st.sampled_from(INSTANCES), st.sampled_from(SERVERLESS))
any_instance = st.one_of(
    st.sampled_from(INSTANCES), st.sampled_from(INSTANCES), st.sampled_from(SERVICES + SERVERLESS)
)


@st.composite
def amount_texts(draw: DrawFn) -> str:
    """Costs from 1e-10 to 1e9, negative ones, none, and spellings that AWS uses."""
    amount = draw(sizes_up_to(SIZES["a billion"])) * draw(st.sampled_from((1, 1, 1, -1, 0)))
    text = text_of(amount)
    spelling = draw(st.integers(0, 9))
    if spelling == 0:
        return f"{Decimal(text).normalize():E}"
    return f"{text}49" if spelling == 1 else text


def line(
    period: Period,
    kind: str,
    start: datetime,
    end: datetime,
    account: str,
    cost: str,
    **values: str,
) -> Line:
    """A line with every column, empty where nothing is said."""
    return (
        dict.fromkeys(COLUMNS, "")
        | {
            "identity_time_interval": f"{start:%Y-%m-%dT%H:00:00}Z/{end:%Y-%m-%dT%H:%M:%S}Z",
            "bill_bill_type": "Anniversary",
            "bill_billing_entity": "AWS",
            "bill_billing_period_start_date": f"{period.start:%Y-%m-%dT%H:%M:%S}.000Z",
            "line_item_currency_code": "USD",
            "line_item_line_item_type": kind,
            "line_item_unblended_cost": cost,
            "line_item_usage_account_id": account,
            "line_item_usage_amount": "1",
            "line_item_usage_start_date": f"{start:%Y-%m-%dT%H:%M:%S}Z",
            "line_item_usage_end_date": f"{end:%Y-%m-%dT%H:%M:%S}Z",
        }
        | values
    )


def of_instance(instance: Instance) -> dict[str, str]:
    engine, deployment = instance.database
    attributes = {
        # Of other services' instances the report says the type only.
        "instance_type_family": "" if instance.service != "AmazonEC2" else instance.family,
        "operating_system": instance.system,
        "tenancy": instance.tenancy,
        "database_engine": engine,
        "deployment_option": deployment,
    }
    product = {name: value for name, value in attributes.items() if value}
    # Some reports have the region in a column of its own, some only in the map.
    in_map = instance.type == "m5.24xlarge"
    if in_map:
        product["region"] = instance.region
    return {
        "line_item_product_code": instance.service,
        "line_item_operation": "RunInstances" if instance.service == "AmazonEC2" else "",
        "line_item_usage_type": instance.full_usage_type,
        "product": dumps(product),
        "product_instance_type": instance.type,
        "product_region_code": "" if in_map else instance.region,
    }


@st.composite
def instance_hours(draw: DrawFn, period: Period) -> list[Line]:
    """An hour of an instance that no commitment covers: on demand, or spot by either sign."""
    instance = draw(any_instance)
    start = period.slot(draw(st.integers(0, SLOTS - 1)))
    cost = draw(pooled_amounts) * draw(st.sampled_from((1, 1, 1, 0, -1)))
    values = of_instance(instance) | {
        "pricing_public_on_demand_cost": text_of(draw(pooled_amounts)),
        "pricing_term": "OnDemand",
        "resource_tags": draw(tags),
    }
    special = draw(st.sampled_from(("", "", "", "spot term", "spot type", "unlisted", "no price")))
    if special == "spot term":
        values["pricing_term"] = "Spot"
    elif special == "spot type":
        values["line_item_usage_type"] = f"USW2-SpotUsage:{instance.type or instance.usage_type}"
    elif special == "unlisted":
        values["pricing_public_on_demand_cost"] = ""
    elif special == "no price":
        values["pricing_public_on_demand_cost"] = "0"
    end = start + period.grain * HOUR
    return [line(period, "Usage", start, end, draw(accounts), text_of(cost), **values)]


@st.composite
def reservations(draw: DrawFn, period: Period, number: int) -> list[Line]:
    """A reservation: its fees, what it covered, and the part of a covered hour that it did not."""
    instance = draw(reservable)
    count = draw(st.sampled_from((1, 3, 1000)))
    payment = draw(st.sampled_from(("all", "partial", "no")))
    arn = f"arn:aws:ec2:us-east-1::reserved-instances/{number}"
    began = draw(st.sampled_from(("earlier", "never seen", "at once", "meanwhile", "meanwhile")))
    first_slot = draw(st.integers(1, SLOTS - 1)) if began == "meanwhile" else 0
    hour_upfront = 0 if payment == "no" else draw(sizes_up_to(10**12))
    hour_recurring = 0 if payment == "all" else draw(sizes_up_to(10**12))
    common = of_instance(instance) | {"reservation_reservation_a_r_n": arn}
    fee_common = common | {
        "line_item_usage_type": f"HeavyUsage:{instance.type}",
        "reservation_number_of_reservations": draw(st.sampled_from((str(count), str(count), ""))),
        "reservation_normalized_units_per_reservation": draw(
            st.sampled_from((instance.units_of(Decimal(1)),) * 2 + ("",))
        ),
    }
    lines = []
    upfront_used = recurring_used = 0
    for slot in range(first_slot, SLOTS):
        for _ in range(draw(st.integers(0, 2))):
            used = Decimal(draw(fractions)) / 4 * period.grain
            start = period.slot(slot)
            end = start + period.grain * HOUR
            upfront, recurring = (
                units_of(str(used * part / 10**10)) for part in (hour_upfront, hour_recurring)
            )
            upfront_used, recurring_used = upfront_used + upfront, recurring_used + recurring
            of_hour = common | {"resource_tags": draw(tags)}
            account = draw(accounts)
            listed = draw(pooled_amounts)
            effective = draw(st.sampled_from((True, True, True, False)))
            lines.append(
                line(
                    period,
                    "DiscountedUsage",
                    start,
                    end,
                    account,
                    "0" if effective else text_of(draw(pooled_amounts)),
                    **of_hour,
                    line_item_usage_amount=f"{used:f}",
                    line_item_normalized_usage_amount=instance.units_of(used),
                    pricing_public_on_demand_cost=text_of(listed),
                    pricing_term="Reserved",
                    reservation_amortized_upfront_cost_for_usage=(
                        text_of(upfront) if effective and draw(st.booleans()) else ""
                    ),
                    reservation_effective_cost=text_of(upfront + recurring) if effective else "",
                )
            )
            if draw(st.booleans()):
                rest = common | {"reservation_reservation_a_r_n": "", "pricing_term": "OnDemand"}
                rest |= {
                    "resource_tags": of_hour["resource_tags"],
                    "pricing_public_on_demand_cost": text_of(draw(pooled_amounts)),
                }
                cost = text_of(draw(pooled_amounts))
                lines.append(line(period, "Usage", start, end, account, cost, **rest))
    started = period.slot(first_slot)
    if began == "meanwhile":
        # A daily report says when a reservation began, too.
        started += draw(st.sampled_from((0, period.grain * 3 // 4))) * HOUR
    hours = count * int((period.end - started) / HOUR)
    unused = draw(st.sampled_from((0, 1, 3, count * SLOTS, count * SLOTS)))
    lines.append(
        line(
            period,
            "RIFee",
            started,
            period.end,
            "payer",
            text_of(hour_recurring * hours),
            **fee_common,
            line_item_usage_amount=str(hours),
            reservation_unused_quantity=draw(
                st.sampled_from(("", "0", str(hours // 2), str(hours)))
            ),
            reservation_amortized_upfront_fee_for_billing_period=text_of(
                upfront_used + unused * hour_upfront
            ),
            reservation_unused_amortized_upfront_fee_for_billing_period=text_of(
                unused * hour_upfront
            ),
            reservation_unused_recurring_fee=text_of(unused * hour_recurring),
        )
    )
    bought_in = {"earlier": PERIODS[0], "never seen": None}.get(began, period)
    if bought_in and hour_upfront:
        start = bought_in.start if began == "earlier" else started
        upfront_fee = text_of(hour_upfront * 8760)
        lines.append(
            line(bought_in, "Fee", start, start + HOUR, "payer", upfront_fee, **fee_common)
        )
    if draw(st.integers(0, 5)) == 0:
        lines.append(
            line(
                period,
                "Refund",
                started,
                started + HOUR,
                "payer",
                text_of(-draw(pooled_amounts)),
                **common,
                line_item_line_item_description=draw(
                    st.sampled_from(("Refund of Upfront fee", "Refund of an hour"))
                ),
                bill_bill_type="Refund",
            )
        )
    return lines


@st.composite
def savings_plans(draw: DrawFn, period: Period, number: int) -> list[Line]:
    """A savings plan: what it covers is negated, and its commitment paid hour by hour."""
    payment = draw(st.sampled_from(("all", "partial", "no")))
    arn = f"arn:aws:savingsplans::plan/{number}"
    began = draw(st.sampled_from(("earlier", "never seen", "at once")))
    upfront = 0 if payment == "no" else draw(sizes_up_to(10**14))
    recurring = 0 if payment == "all" else draw(sizes_up_to(10**14))
    instance = draw(plannable)
    plan = {"savings_plan_savings_plan_a_r_n": arn}
    of_plan = plan | {"line_item_product_code": "ComputeSavingsPlans"}
    lines = []
    for slot in range(draw(st.integers(1, SLOTS))):
        start = period.slot(slot)
        end = start + period.grain * HOUR
        left = committed = (upfront + recurring) * period.grain
        covered = 0
        for _ in range(draw(st.integers(0, 3))):
            effective = left * draw(fractions) // 4
            left -= effective
            cost = draw(pooled_amounts)
            covered += cost
            values = of_instance(instance) | plan | {"resource_tags": draw(tags)}
            values["pricing_public_on_demand_cost"] = text_of(cost)
            values["savings_plan_savings_plan_effective_cost"] = text_of(effective)
            lines.append(
                line(
                    period,
                    "SavingsPlanCoveredUsage",
                    start,
                    end,
                    draw(accounts),
                    text_of(cost),
                    **values,
                )
            )
        if covered:
            negation = text_of(-covered)
            values = of_instance(instance) | plan
            lines.append(
                line(period, "SavingsPlanNegation", start, end, "payer", negation, **values)
            )
        lines.append(
            line(
                period,
                "SavingsPlanRecurringFee",
                start,
                end,
                "payer",
                text_of(recurring * period.grain),
                **of_plan,
                line_item_usage_type="ComputeSP:1yrPartialUpfront",
                savings_plan_total_commitment_to_date=text_of(committed),
                savings_plan_used_commitment=text_of(committed - left),
                savings_plan_recurring_commitment_for_billing_period=text_of(
                    recurring * period.grain
                ),
                savings_plan_amortized_upfront_commitment_for_billing_period=text_of(
                    upfront * period.grain
                ),
            )
        )
    bought_in = {"earlier": PERIODS[0], "at once": period}.get(began)
    if bought_in and upfront:
        fee = text_of(upfront * 8760)
        start = bought_in.start
        values = of_plan | {"line_item_usage_type": "ComputeSP:1yrPartialUpfront"}
        lines.append(
            line(bought_in, "SavingsPlanUpfrontFee", start, start + HOUR, "payer", fee, **values)
        )
    return lines


OTHERS: dict[str, tuple[str, dict[str, str]]] = {
    "storage": (
        "Usage",
        {"line_item_product_code": "AmazonEC2", "line_item_usage_type": "EBS:VolumeUsage.gp3"},
    ),
    "requests": (
        "Usage",
        {"line_item_product_code": "AmazonS3", "line_item_usage_type": "Requests-Tier1"},
    ),
    "flat rate": ("FlatRateSubscription", {"line_item_product_code": "AmazonCloudFront"}),
    "support": ("Fee", {"line_item_product_code": "AWSSupportBusiness"}),
    "domain": ("Fee", {"line_item_product_code": "AmazonRegistrar"}),
    "tax": ("Tax", {"line_item_product_code": "AmazonEC2", "line_item_usage_amount": ""}),
    "credit": ("Credit", {"line_item_product_code": "AmazonEC2"}),
    "refund": ("Refund", {"line_item_product_code": "AmazonS3", "bill_bill_type": "Refund"}),
    "refund of a plan": (
        "Refund",
        {
            "line_item_product_code": "ComputeSavingsPlans",
            "line_item_line_item_description": "Refund for one-time fee for Savings Plan ID 1",
        },
    ),
    "refund of a plan's hour": (
        "Refund",
        {
            "line_item_product_code": "ComputeSavingsPlans",
            "line_item_line_item_description": "Refund of an upfront hour",
        },
    ),
    "marketplace usage": (
        "Usage",
        {"line_item_product_code": "vendor", "bill_billing_entity": "AWS Marketplace"},
    ),
    "marketplace contract": (
        "Fee",
        {
            "line_item_product_code": "vendor",
            "bill_billing_entity": "AWS Marketplace",
            "bill_bill_type": "Purchase",
        },
    ),
    "containers": (
        "Usage",
        {
            "line_item_product_code": "AmazonEC2",
            "line_item_usage_type": "BoxUsage:m5.large",
            "line_item_operation": "EKSPod-EC2",
            "pricing_public_on_demand_cost": "1",
        },
    ),
    "tomorrow's type": ("TypeOfTomorrow", {"line_item_product_code": "AmazonBraket"}),
}


@st.composite
def other_charges(draw: DrawFn, period: Period) -> list[Line]:
    """A charge that no commitment has to do with; for an hour, or for the rest of the month."""
    name = draw(st.sampled_from(sorted(OTHERS)))
    kind, values = OTHERS[name]
    start = period.slot(draw(st.integers(0, SLOTS - 1)))
    end = start + period.grain * HOUR
    if kind != "Usage" and draw(st.booleans()):
        end = period.end - timedelta(seconds=draw(st.sampled_from((0, 1))))
    cost = "0" if name == "containers" else draw(amount_texts())
    charge = line(period, kind, start, end, draw(accounts), cost, **values)
    charge["resource_tags"] = draw(tags)
    if draw(st.integers(0, 3)) == 0:
        charge["bill_bill_type"] = "Purchase"
    if kind != "Usage" and draw(st.integers(0, 4)) == 0:
        charge["identity_time_interval"] = ""
    return [charge]


@st.composite
def discount_lines(draw: DrawFn, period: Period, lines: Sequence[Line]) -> list[Line]:
    """Lines that take something off: of charges of the bill, or of nothing that is on it."""
    paid = [one for one in lines if units_of(one["line_item_unblended_cost"]) > 0]
    fees = [one for one in paid if one["line_item_line_item_type"].endswith("Fee")]
    discounts = []
    for _ in range(draw(st.integers(1, 4))):
        target = draw(st.sampled_from(fees + paid if draw(st.booleans()) and paid else lines))
        values = {
            "line_item_product_code": target["line_item_product_code"],
            "line_item_usage_type": target["line_item_usage_type"],
            "bill_bill_type": target["bill_bill_type"],
        }
        account = target["line_item_usage_account_id"]
        reach = draw(st.sampled_from(("usage type", "bill type", "product", "account", "payer")))
        if reach == "bill type":
            values["bill_bill_type"] = draw(st.sampled_from(("Anniversary", "Purchase")))
        elif reach == "product":
            values["line_item_usage_type"] = "something else"
        elif reach == "account":
            values |= {"line_item_product_code": "", "line_item_usage_type": ""}
        elif reach == "payer":
            values |= {"line_item_product_code": "AmazonNothing"}
            account = draw(accounts)
        least = max(1, min(abs(units_of(target["line_item_unblended_cost"])), 10**17) // 10)
        cost = text_of(draw(st.integers(1, least)) * draw(st.sampled_from((-1, -1, -1, 1))))
        start = period.slot(draw(st.integers(0, SLOTS - 1)))
        end = draw(st.sampled_from((start + period.grain * HOUR, period.end)))
        kind = draw(st.sampled_from(DISCOUNTS))
        discounts.append(line(period, kind, start, end, account, cost, **values))
    return discounts


@st.composite
def net_of_discounts(draw: DrawFn, mode: str, lines: Sequence[Line]) -> list[Line]:
    """The lines with net columns; what they got off stands in lines (M2) or in a column (M3)."""
    rate = draw(st.integers(0, 400))
    taken_off: dict[tuple[str, ...], int] = defaultdict(int)
    result = []
    for gross in lines:
        charge = dict(gross)
        kind = charge["line_item_line_item_type"]
        own_rate = draw(st.sampled_from((rate, rate, rate, 0, 999)))
        for column, net_column in NET_OF.items():
            amount = units_of(charge[column]) if charge[column] else None
            if amount is None:
                continue
            exempt = column == "line_item_unblended_cost" and kind in NOT_DISCOUNTED
            net = amount if exempt else amount - amount * own_rate // 1000
            if net != amount or draw(st.booleans()):
                charge[net_column] = text_of(net)
            if column == "line_item_unblended_cost" and net != amount:
                keys = ("bill_billing_period_start_date", "line_item_usage_account_id",
                        "line_item_product_code", "line_item_usage_type")  # fmt: skip
                taken_off[tuple(charge[key] for key in keys)] += net - amount
                if mode == "M3":
                    charge["discount_total_discount"] = text_of(net - amount)
        result.append(charge)
    if mode == "M2":
        for (start, account, product, usage_type), amount in taken_off.items():
            period = next(period for period in PERIODS if start.startswith(period.name))
            values = {"line_item_product_code": product, "line_item_usage_type": usage_type}
            values["line_item_net_unblended_cost"] = draw(st.sampled_from(("", "0")))
            cost = text_of(amount)
            result.append(
                line(period, "EdpDiscount", period.start, period.end, account, cost, **values)
            )
    return result


@st.composite
def bills(draw: DrawFn) -> Bill:
    """A payer's bill, most of it in one billing period."""
    period = draw(st.sampled_from(PERIODS))
    parts = draw(st.lists(instance_hours(period), max_size=8))
    parts += draw(st.lists(other_charges(period), min_size=1, max_size=8))
    for number in range(draw(st.sampled_from((0, 1, 1, 2)))):
        parts.append(draw(reservations(period, number)))
    for number in range(draw(st.sampled_from((0, 1, 1, 2)))):
        parts.append(draw(savings_plans(period, number)))
    lines = [part for some in parts for part in some]
    mode = draw(st.sampled_from(("M0", "M1", "M1", "M2", "M3", "mixed")))
    discounted: list[Line] = []
    for one in PERIODS:
        if here := [charge for charge in lines if period_of(charge) == one.name]:
            its_mode = draw(st.sampled_from(("M1", "M2", "M3"))) if mode == "mixed" else mode
            if its_mode == "M1":
                here += draw(discount_lines(one, here))
            elif its_mode != "M0":
                here = draw(net_of_discounts(its_mode, here))
            discounted += here
    return Bill(mode, tuple(discounted))


def period_of(charge: Line) -> str:
    return charge["bill_billing_period_start_date"][:7]


def drawn(count: int, number: int) -> list[Bill]:
    """Bills of any kind, the same ones for a number."""
    found: list[Bill] = []

    @seed(number)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(bills())
    def collect(bill: Bill) -> None:
        found.append(bill)

    collect()
    return found
