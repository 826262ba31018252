"""What commitments do to a bill, one case by one, each worked out by hand.

Every case is a payer of its own, so that one delivery and one build prove them all; they share
hours, a region and families, and must not share a cent. What a case's charges truly cost is written
by label, charge class and hour; what is not named costs nothing. `bridge` holds the steps from its
invoice to its true cost that are not 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from infraspend.builder.seeds import SEED_COLUMNS
from tests.end_to_end.companies import WITHOUT_UNIT_TESTS, Company, built, company_in
from tests.loaders.bills import Row, charge, deliver_legacy, text_of

pytestmark = pytest.mark.thorough

SEPTEMBER, OCTOBER = "2026-09", "2026-10"
M5 = {
    "lineItem/ProductCode": "AmazonEC2",
    "lineItem/UsageType": "BoxUsage:m5.xlarge",
    "lineItem/Operation": "RunInstances",
    "product/instanceType": "m5.xlarge",
    "product/region": "us-east-1",
    "pricing/publicOnDemandCost": "0.192",
}
M5_LARGE = M5 | {
    "lineItem/UsageType": "BoxUsage:m5.large",
    "product/instanceType": "m5.large",
    "pricing/publicOnDemandCost": "0.096",
}
DATABASE = {
    "lineItem/ProductCode": "AmazonRDS",
    "lineItem/UsageType": "InstanceUsage:db.r5.large",
    "product/instanceType": "db.r5.large",
    "product/databaseEngine": "PostgreSQL",
    "product/deploymentOption": "Single-AZ",
    "product/region": "us-east-1",
    "pricing/publicOnDemandCost": "0.25",
}
WAREHOUSE = {
    "lineItem/ProductCode": "AmazonRedshift",
    "lineItem/UsageType": "Node:ra3.xlplus",
    "product/instanceType": "ra3.xlplus",
    "product/region": "us-east-1",
    "pricing/publicOnDemandCost": "1.086",
}
FEE = {"lineItem/ProductCode": "AmazonEC2", "lineItem/UsageType": "HeavyUsage:m5.xlarge"}
C5 = M5 | {
    "lineItem/UsageType": "BoxUsage:c5.xlarge",
    "product/instanceType": "c5.xlarge",
    "pricing/publicOnDemandCost": "0.17",
}
BARE = {
    "lineItem/ProductCode": "AmazonEC2",
    "lineItem/UsageType": "BoxUsage:m5.large",
    "lineItem/Operation": "RunInstances",
    "pricing/publicOnDemandCost": "0.096",
}
WINDOWS = M5 | {
    "product/operatingSystem": "Windows",
    "product/licenseModel": "No License required",
    "pricing/publicOnDemandCost": "0.376",
}
CACHE = {
    "lineItem/ProductCode": "AmazonElastiCache",
    "lineItem/UsageType": "NodeUsage:cache.m5.large",
    "product/instanceType": "cache.m5.large",
    "product/region": "us-east-1",
    "pricing/publicOnDemandCost": "0.156",
}
APART, APART_TOO = "900000000901", "900000000902"
HOST = {"lineItem/ProductCode": "AmazonEC2", "lineItem/UsageType": "HostUsage:m5"}
CAPACITY = {"lineItem/ProductCode": "AmazonDynamoDB", "lineItem/UsageType": "WriteCapacityUnit-Hrs"}
YEAR = {
    "reservation/StartTime": "2026-10-01T00:00:00.000Z",
    "reservation/EndTime": "2027-09-30T23:59:59.000Z",
}
YEAR_BEFORE = {
    "reservation/StartTime": "2026-09-01T00:00:00.000Z",
    "reservation/EndTime": "2027-08-31T23:59:59.000Z",
}
HOST_OF_INVOICE = {"reservation/ReservationARN": "arn:host", "bill/InvoiceId": "E1"}
PLAN = {"lineItem/ProductCode": "ComputeSavingsPlans", "lineItem/UsageType": "ComputeSP:1yr"}


@dataclass(frozen=True)
class Case:
    """A payer's lines and what they come to.

    Attributes:
        lines: The lines of its bill.
        costs: (Label, charge class, hour) -> the true cost.
        bridge: Step -> what it moves; with `invoice` and `true_cost` themselves.
        period: The billing period that is looked at.
    """

    lines: list[Row]
    costs: Mapping[tuple[str, str, int], str]
    bridge: Mapping[str, str]
    period: str = OCTOBER


def line(
    number: int, kind: str, cost: str, *parts: Mapping[str, str], team: str = "", **values: str
) -> Row:
    """A line of an hour of the first day; `__` stands for `/`."""
    period = values.pop("period", OCTOBER)
    start, end = (f"{period}-01T{hour:02}:00:00Z" for hour in (number, number + 1))
    row = charge(
        identity__TimeInterval=f"{start}/{end}",
        bill__BillingPeriodStartDate=f"{period}-01T00:00:00.000Z",
        lineItem__LineItemType=kind,
        lineItem__UsageStartDate=start,
        lineItem__UsageEndDate=values.pop("until", end),
        lineItem__UnblendedCost=cost,
        lineItem__UsageAmount="1",
    )
    merged = dict(row) | {"resourceTags/user:team": team}
    for part in parts:
        merged |= part
    return merged | {name.replace("__", "/"): value for name, value in values.items()}


def reserved(effective: str, upfront: str = "", arn: str = "arn:ri", units: str = "8") -> Row:
    """What covered usage says of its reservation."""
    return {
        "pricing/term": "Reserved",
        "reservation/ReservationARN": arn,
        "reservation/EffectiveCost": effective,
        "reservation/AmortizedUpfrontCostForUsage": upfront,
        "lineItem/NormalizedUsageAmount": units,
    }


def fee_of(
    upfront: str,
    unused_upfront: str = "0",
    unused_recurring: str = "0",
    arn: str = "arn:ri",
    count: str = "1",
    units: str = "8",
) -> Row:
    """What the monthly fee says of its reservation."""
    return {
        "reservation/ReservationARN": arn,
        "reservation/AmortizedUpfrontFeeForBillingPeriod": upfront,
        "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": unused_upfront,
        "reservation/UnusedRecurringFee": unused_recurring,
        "reservation/NumberOfReservations": count,
        "reservation/NormalizedUnitsPerReservation": units,
    }


def covered(effective: str, arn: str = "arn:sp") -> Row:
    """What covered usage says of its savings plan."""
    return {"savingsPlan/SavingsPlanARN": arn, "savingsPlan/SavingsPlanEffectiveCost": effective}


def plan_of(commitment: str, used: str, recurring: str, upfront: str, arn: str = "arn:sp") -> Row:
    """What an hour's fee says of its savings plan."""
    return PLAN | {
        "savingsPlan/SavingsPlanARN": arn,
        "savingsPlan/TotalCommitmentToDate": commitment,
        "savingsPlan/UsedCommitment": used,
        "savingsPlan/RecurringCommitmentForBillingPeriod": recurring,
        "savingsPlan/AmortizedUpfrontCommitmentForBillingPeriod": upfront,
    }


TWO_RESERVED_HOURS = [
    line(hour, "DiscountedUsage", "0", M5, reserved("0.16", "0.10"), team="alpha")
    for hour in (0, 1)
]
RESERVATION = {"reservation/ReservationARN": "arn:ri"}
OF_PLAN = {"savingsPlan/SavingsPlanARN": "arn:sp"}

CASES = {
    # 876 dollars are 0.10 of each of the year's 8760 hours; the hours of the bill cost that and
    # 0.06 of recurring fee, and the prepayment nothing.
    "a month bought upfront": Case(
        [
            line(0, "Fee", "876", FEE, RESERVATION),
            *TWO_RESERVED_HOURS,
            line(0, "RIFee", "0.12", FEE, fee_of("0.20"), until="2026-10-01T02:00:00Z"),
        ],
        {("alpha", "usage", 0): "0.16", ("alpha", "usage", 1): "0.16"},
        {
            "invoice": "876.12",
            "ri_upfront_fee": "-876",
            "ri_used": "0.32",
            "ri_recurring_fee": "-0.12",
            "true_cost": "0.32",
        },
    ),
    # The same hours, paid for in a month that nobody will ever load.
    "a term that began last year": Case(
        [
            *TWO_RESERVED_HOURS,
            line(
                *(0, "RIFee", "0.12", FEE, fee_of("0.20")),
                until="2026-10-01T02:00:00Z",
                reservation__StartTime="2025-12-09T10:00:00.000Z",
            ),
        ],
        {("alpha", "usage", 0): "0.16", ("alpha", "usage", 1): "0.16"},
        {
            "invoice": "0.12",
            "ri_used": "0.32",
            "ri_recurring_fee": "-0.12",
            "true_cost": "0.32",
        },
    ),
    # Half a dollar an hour, all of it paid: 4380. 0.30 of an hour are used, for 0.45 at list
    # prices; the fee of nothing carries the 0.20 that are not.
    "an all-upfront plan": Case(
        [
            line(0, "SavingsPlanUpfrontFee", "4380", PLAN, OF_PLAN),
            line(0, "SavingsPlanCoveredUsage", "0.45", M5, covered("0.30"), team="alpha"),
            line(0, "SavingsPlanNegation", "-0.45", M5, covered("")),
            line(0, "SavingsPlanRecurringFee", "0", plan_of("0.50", "0.30", "0", "0.50")),
        ],
        {("alpha", "usage", 0): "0.30", ("_unused_sp", "commitment_fee", 0): "0.20"},
        {
            "invoice": "4380",
            "sp_upfront_fee": "-4380",
            "sp_used": "-0.15",
            "sp_negation": "0.45",
            "sp_recurring_fee": "0.20",
            "true_cost": "0.50",
        },
    ),
    # Its fee is 0 dollars, and the hour in which nobody used it still cost 0.10.
    "an all-upfront reservation": Case(
        [
            line(0, "DiscountedUsage", "0", M5, reserved("0.10", "0.10"), team="alpha"),
            line(1, "Usage", "0.01", team="alpha"),
            line(0, "RIFee", "0", FEE, fee_of("0.20", "0.10"), until="2026-11-01T00:00:00Z"),
        ],
        {
            ("alpha", "usage", 0): "0.10",
            ("alpha", "usage", 1): "0.01",
            ("_unused_ri", "unused_commitment", 1): "0.10",
        },
        {
            "invoice": "0.01",
            "ri_used": "0.10",
            "ri_recurring_fee": "0.10",
            "true_cost": "0.21",
        },
    ),
    # One xlarge became two large at 02:00, under another name. The first was idle at 01:00, one of
    # the others at 03:00: 0.16 (0.10 upfront, 0.06 recurring) and half of it.
    "a reservation modified in the middle of a month": Case(
        [
            line(0, "DiscountedUsage", "0", M5, reserved("0.16", "0.10"), team="alpha"),
            *(
                line(
                    hour,
                    *("DiscountedUsage", "0", M5_LARGE),
                    reserved("0.08", "0.05", "arn:modified", "4"),
                    team=team,
                )
                for hour, team in ((2, "alpha"), (2, "beta"), (3, "beta"))
            ),
            line(
                *(0, "RIFee", "0.12", FEE, fee_of("0.20", "0.10", "0.06")),
                until="2026-10-01T02:00:00Z",
            ),
            line(
                *(2, "RIFee", "0.12", FEE),
                fee_of("0.20", "0.05", "0.03", "arn:modified", "2", "4"),
                until="2026-11-01T00:00:00Z",
            ),
        ],
        {
            ("alpha", "usage", 0): "0.16",
            ("_unused_ri", "unused_commitment", 1): "0.16",
            ("alpha", "usage", 2): "0.08",
            ("beta", "usage", 2): "0.08",
            ("beta", "usage", 3): "0.08",
            ("_unused_ri", "unused_commitment", 3): "0.08",
        },
        {
            "invoice": "0.24",
            "ri_used": "0.40",
            "ri_recurring_fee": "0",
            "true_cost": "0.64",
        },
    ),
    # The plan had room for six tenths of alpha's hour (0.042 of 0.07); the rest is on demand, and
    # so is beta's hour. The family costs 0.042 + 0.0384 + 0.096 = 0.1764: 0.0882 an instance-hour.
    "one instance-hour in two lines": Case(
        [
            line(
                *(0, "SavingsPlanCoveredUsage", "0.0576", M5_LARGE, covered("0.042")),
                team="alpha",
                lineItem__UsageAmount="0.6",
                pricing__publicOnDemandCost="0.0576",
            ),
            line(
                *(0, "Usage", "0.0384", M5_LARGE),
                team="alpha",
                lineItem__UsageAmount="0.4",
                pricing__publicOnDemandCost="0.0384",
            ),
            line(0, "Usage", "0.096", M5_LARGE, team="beta"),
            line(0, "SavingsPlanNegation", "-0.0576", M5_LARGE, covered("")),
            line(0, "SavingsPlanRecurringFee", "0.042", plan_of("0.042", "0.042", "0.042", "0")),
        ],
        {("alpha", "usage", 0): "0.0882", ("beta", "usage", 0): "0.0882"},
        {
            "invoice": "0.1764",
            "sp_used": "-0.0156",
            "sp_negation": "0.0576",
            "sp_recurring_fee": "-0.042",
            "true_cost": "0.1764",
        },
    ),
    # What was paid upfront never was a cost, and neither is its return; half a dollar for an hour
    # that went wrong is one.
    "prepayments paid back": Case(
        [
            line(0, "Fee", "876", FEE, RESERVATION),
            line(0, "SavingsPlanUpfrontFee", "43.8", PLAN, OF_PLAN),
            line(
                *(1, "Refund", "-876", FEE, RESERVATION),
                lineItem__LineItemDescription="Refund of the upfront fee",
            ),
            line(
                *(1, "Refund", "-43.8", PLAN),
                lineItem__LineItemDescription="Refund for one-time fee for Savings Plan ID: sp",
            ),
            line(
                *(1, "Refund", "-0.5", PLAN),
                lineItem__LineItemDescription="Refund of an hour",
            ),
        ],
        {("unlabeled", "refund", 1): "-0.5"},
        {
            "invoice": "-0.5",
            "ri_upfront_fee": "-876",
            "sp_upfront_fee": "-43.8",
            "prepayment_refund": "919.8",
            "true_cost": "-0.5",
        },
    ),
    # AWS amortizes nothing of a host: 876 dollars are 0.10 of each hour of the year that the bill
    # says it is for.
    "a prepayment that nothing amortizes": Case(
        [
            line(0, "Fee", "876", HOST, RESERVATION | YEAR, team="alpha"),
            *(line(hour, "DiscountedUsage", "0", HOST, RESERVATION) for hour in (0, 1)),
        ],
        {
            ("alpha", "amortized_prepayment", 0): "0.10",
            ("alpha", "amortized_prepayment", 1): "0.10",
        },
        {
            "invoice": "876",
            "ri_upfront_fee": "-876",
            "amortized_prepayment": "0.20",
            "true_cost": "0.20",
        },
    ),
    # Of a host AWS says its fee and no cost: it is a fee like any other.
    "a host that pays month by month": Case(
        [
            *(line(hour, "DiscountedUsage", "0", HOST, HOST_OF_INVOICE) for hour in (0, 1)),
            line(
                *(0, "RIFee", "0.12", HOST, HOST_OF_INVOICE),
                team="alpha",
                until="2026-10-01T02:00:00Z",
            ),
        ],
        {("alpha", "fee", 0): "0.12"},
        {"invoice": "0.12", "true_cost": "0.12"},
    ),
    # 438 dollars are 0.05 of each hour of the year; the other 0.05 are the effective cost that AWS
    # says, which amortizes nothing.
    "a host of which half is paid upfront": Case(
        [
            line(0, "Fee", "438", HOST, RESERVATION | YEAR, team="alpha"),
            *(
                line(
                    *(hour, "DiscountedUsage", "0", HOST, RESERVATION),
                    team="beta",
                    reservation__EffectiveCost="0.05",
                    reservation__RecurringFeeForUsage="0.05",
                )
                for hour in (0, 1)
            ),
            line(
                *(0, "RIFee", "0.10", HOST, RESERVATION),
                until="2026-10-01T02:00:00Z",
                reservation__UnusedRecurringFee="0",
            ),
        ],
        {
            ("alpha", "amortized_prepayment", 0): "0.05",
            ("alpha", "amortized_prepayment", 1): "0.05",
            ("beta", "usage", 0): "0.05",
            ("beta", "usage", 1): "0.05",
        },
        {
            "invoice": "438.10",
            "ri_upfront_fee": "-438",
            "ri_used": "0.10",
            "ri_recurring_fee": "-0.10",
            "amortized_prepayment": "0.10",
            "true_cost": "0.20",
        },
    ),
    # All of it came back, and something for an hour as well: nothing is left to spread.
    "more paid back than was prepaid": Case(
        [
            line(0, "Fee", "876", HOST, RESERVATION | YEAR, team="alpha"),
            *(line(1, "Refund", cost, HOST, RESERVATION) for cost in ("-876", "-0.16")),
        ],
        {("unlabeled", "refund", 1): "-0.16"},
        {
            "invoice": "-0.16",
            "ri_upfront_fee": "-876",
            "prepayment_refund": "876",
            "true_cost": "-0.16",
        },
    ),
    # A year from September on: the 721st and the 722nd hour of it.
    "a prepayment of an earlier month that nothing amortizes": Case(
        [
            line(0, "Fee", "876", HOST, RESERVATION | YEAR_BEFORE, team="alpha", period=SEPTEMBER),
            *(line(hour, "Usage", "0.01", team="beta") for hour in (0, 1)),
        ],
        {
            ("alpha", "amortized_prepayment", 0): "0.10",
            ("alpha", "amortized_prepayment", 1): "0.10",
            ("beta", "usage", 0): "0.01",
            ("beta", "usage", 1): "0.01",
        },
        {"invoice": "0.02", "amortized_prepayment": "0.20", "true_cost": "0.22"},
    ),
    # Nobody knows its term.
    "a prepayment of capacity": Case(
        [line(0, "Fee", "876", CAPACITY, RESERVATION, team="alpha")],
        {("alpha", "amortized_prepayment", 0): "876"},
        {
            "invoice": "876",
            "ri_upfront_fee": "-876",
            "amortized_prepayment": "876",
            "true_cost": "876",
        },
    ),
    # Signed up in September, paid back in October, in the words of another language.
    "a prepayment paid back in the month after": Case(
        [
            line(0, "Fee", "876", FEE, RESERVATION, period=SEPTEMBER),
            line(
                *(0, "Refund", "-876", FEE, RESERVATION),
                lineItem__LineItemDescription="Erstattung der Einmalzahlung",
            ),
            line(0, "Usage", "1", team="alpha"),
        ],
        {("alpha", "usage", 0): "1"},
        {"invoice": "-875", "prepayment_refund": "876", "true_cost": "1"},
    ),
    # Of another amount: it is of an hour, whatever it says.
    "a refund that is no prepayment": Case(
        [
            line(0, "Fee", "876", FEE, RESERVATION),
            *TWO_RESERVED_HOURS,
            line(
                *(0, "Refund", "-0.16", FEE, RESERVATION),
                lineItem__LineItemDescription="Refund of an hour of the upfront fee",
            ),
            line(0, "RIFee", "0.12", FEE, fee_of("0.20"), until="2026-10-01T02:00:00Z"),
        ],
        {
            ("alpha", "usage", 0): "0.16",
            ("alpha", "usage", 1): "0.16",
            ("unlabeled", "refund", 0): "-0.16",
        },
        {
            "invoice": "875.96",
            "ri_upfront_fee": "-876",
            "ri_used": "0.32",
            "ri_recurring_fee": "-0.12",
            "true_cost": "0.16",
        },
    ),
    # The report says neither region nor system: the zone, the usage type and the operation do. A
    # reserved hour, one of another region and one of Windows are three pools.
    "a report without regions and systems": Case(
        [
            line(
                *(0, "DiscountedUsage", "0", BARE, reserved("0.060", units="4")),
                team="alpha",
                lineItem__AvailabilityZone="us-east-1a",
            ),
            line(
                *(0, "Usage", "0.107", BARE),
                team="beta",
                lineItem__UsageType="EU-BoxUsage:m5.large",
                pricing__publicOnDemandCost="0.107",
            ),
            line(
                *(0, "Usage", "0.188", BARE),
                team="gamma",
                lineItem__Operation="RunInstances:0002",
                lineItem__AvailabilityZone="us-east-1b",
                pricing__publicOnDemandCost="0.188",
            ),
            # A region that nobody knows is not that of those who say none.
            line(
                *(0, "Usage", "0.15", BARE),
                team="delta",
                lineItem__UsageType="XYZ9-BoxUsage:m5.large",
                pricing__publicOnDemandCost="0.1",
            ),
            line(*(0, "RIFee", "0.060", FEE, fee_of("0", units="4")), until="2026-10-01T01:00:00Z"),
        ],
        {
            ("alpha", "usage", 0): "0.060",
            ("beta", "usage", 0): "0.107",
            ("gamma", "usage", 0): "0.188",
            ("delta", "usage", 0): "0.15",
        },
        {
            "invoice": "0.505",
            "ri_used": "0.060",
            "ri_recurring_fee": "-0.060",
            "true_cost": "0.505",
        },
    ),
    # Nor does it say that an instance has a machine of its own; the usage type does.
    "a report without tenancies": Case(
        [
            line(0, "DiscountedUsage", "0", BARE, reserved("0.060", units="4"), team="alpha"),
            line(
                *(0, "Usage", "0.106", BARE),
                team="beta",
                lineItem__UsageType="DedicatedUsage:m5.large",
            ),
            line(0, "RIFee", "0.060", FEE, fee_of("0", units="4"), until="2026-10-01T01:00:00Z"),
        ],
        {("alpha", "usage", 0): "0.060", ("beta", "usage", 0): "0.106"},
        {
            "invoice": "0.166",
            "ri_used": "0.060",
            "ri_recurring_fee": "-0.060",
            "true_cost": "0.166",
        },
    ),
    # Neither does it say what runs: it may be Linux, Windows or Windows with SQL Server.
    "a report without systems and operations": Case(
        [
            line(
                *(0, "DiscountedUsage", "0", BARE, reserved("0.060", units="4")),
                team="alpha",
                lineItem__Operation="",
            ),
            line(0, "Usage", "0.188", BARE, team="beta", lineItem__Operation=""),
            line(0, "RIFee", "0.060", FEE, fee_of("0", units="4"), until="2026-10-01T01:00:00Z"),
        ],
        {("alpha", "usage", 0): "0.060", ("beta", "usage", 0): "0.188"},
        {
            "invoice": "0.248",
            "ri_used": "0.060",
            "ri_recurring_fee": "-0.060",
            "true_cost": "0.248",
        },
    ),
    # A reservation of Windows reaches no Windows with SQL Server, nor licences that are brought.
    "software and licences": Case(
        [
            line(
                *(0, "DiscountedUsage", "0", WINDOWS, reserved("0.250")),
                team="alpha",
                product__preInstalledSw="NA",
            ),
            line(
                *(0, "Usage", "1.876", WINDOWS),
                team="beta",
                product__preInstalledSw="SQL Std",
                pricing__publicOnDemandCost="1.876",
            ),
            line(
                *(0, "Usage", "0.192", WINDOWS),
                team="gamma",
                product__preInstalledSw="NA",
                product__licenseModel="Bring your own license",
                pricing__publicOnDemandCost="0.192",
            ),
            line(0, "RIFee", "0.250", FEE, fee_of("0"), until="2026-10-01T01:00:00Z"),
        ],
        {
            ("alpha", "usage", 0): "0.250",
            ("beta", "usage", 0): "1.876",
            ("gamma", "usage", 0): "0.192",
        },
        {
            "invoice": "2.318",
            "ri_used": "0.250",
            "ri_recurring_fee": "-0.250",
            "true_cost": "2.318",
        },
    ),
    # Nor does one of Redis reach Memcached, or one of an edition another one.
    "engines and editions": Case(
        [
            line(
                *(0, "DiscountedUsage", "0", CACHE, reserved("0.100", units="4")),
                team="alpha",
                product__cacheEngine="Redis",
            ),
            line(0, "Usage", "0.156", CACHE, team="beta", product__cacheEngine="Memcached"),
            line(0, "Usage", "0.5", DATABASE, team="gamma", product__databaseEdition="Standard"),
            line(0, "Usage", "0.9", DATABASE, team="delta", product__databaseEdition="Enterprise"),
            line(
                *(0, "RIFee", "0.100", CACHE, fee_of("0", units="4")), until="2026-10-01T01:00:00Z"
            ),
        ],
        {
            ("alpha", "usage", 0): "0.100",
            ("beta", "usage", 0): "0.156",
            ("gamma", "usage", 0): "0.5",
            ("delta", "usage", 0): "0.9",
        },
        {
            "invoice": "1.656",
            "ri_used": "0.100",
            "ri_recurring_fee": "-0.100",
            "true_cost": "1.656",
        },
    ),
    # An account apart pays its own price; those that are apart together share theirs.
    "accounts that do not share": Case(
        [
            line(0, "DiscountedUsage", "0", M5, reserved("0.11"), team="alpha"),
            line(0, "Usage", "0.192", M5, team="beta", lineItem__UsageAccountId=APART),
            line(0, "Usage", "0.096", M5, team="gamma", lineItem__UsageAccountId=APART_TOO),
            line(0, "RIFee", "0.11", FEE, fee_of("0"), until="2026-10-01T01:00:00Z"),
        ],
        {
            ("alpha", "usage", 0): "0.11",
            ("beta", "usage", 0): "0.144",
            ("gamma", "usage", 0): "0.144",
        },
        {
            "invoice": "0.398",
            "ri_used": "0.11",
            "ri_recurring_fee": "-0.11",
            "true_cost": "0.398",
        },
    ),
    # An EC2 Instance plan of one family; an hour of capacity that was reserved and not used is of
    # the family, too. The two hours of the pool cost 0.12 + 0.192.
    "an EC2 Instance savings plan": Case(
        [
            line(0, "SavingsPlanCoveredUsage", "0.192", M5, covered("0.12"), team="alpha"),
            line(0, "SavingsPlanNegation", "-0.192", M5, covered("")),
            line(
                *(0, "Usage", "0.192", M5),
                team="beta",
                lineItem__UsageType="UnusedBox:m5.xlarge",
            ),
            line(0, "Usage", "0.17", C5, team="gamma"),
            line(
                *(0, "SavingsPlanRecurringFee", "0.12", plan_of("0.12", "0.12", "0.12", "0")),
                savingsPlan__OfferingType="EC2InstanceSavingsPlans",
                savingsPlan__InstanceTypeFamily="m5",
                savingsPlan__Region="us-east-1",
            ),
        ],
        {
            ("alpha", "usage", 0): "0.156",
            ("beta", "usage", 0): "0.156",
            ("gamma", "usage", 0): "0.17",
        },
        {
            "invoice": "0.482",
            "sp_used": "-0.072",
            "sp_negation": "0.192",
            "sp_recurring_fee": "-0.12",
            "true_cost": "0.482",
        },
    ),
    # In the hours, the family and the account of all others: nobody shares its price.
    "a second payer": Case(
        [line(hour, "Usage", "0.192", M5, team="alpha") for hour in (0, 1)],
        {("alpha", "usage", 0): "0.192", ("alpha", "usage", 1): "0.192"},
        {"invoice": "0.384", "true_cost": "0.384"},
    ),
    # One of two databases is reserved at 0.165, the other pays 0.25: 0.2075 each. MySQL is another
    # price list.
    "rds": Case(
        [
            line(0, "DiscountedUsage", "0", DATABASE, reserved("0.165"), team="alpha"),
            line(0, "Usage", "0.25", DATABASE, team="beta"),
            line(0, "Usage", "0.24", DATABASE, product__databaseEngine="MySQL", team="gamma"),
            line(
                *(0, "RIFee", "0.165", DATABASE, fee_of("0", units="4")),
                until="2026-10-01T01:00:00Z",
            ),
        ],
        {
            ("alpha", "usage", 0): "0.2075",
            ("beta", "usage", 0): "0.2075",
            ("gamma", "usage", 0): "0.24",
        },
        {
            "invoice": "0.655",
            "ri_used": "0.165",
            "ri_recurring_fee": "-0.165",
            "true_cost": "0.655",
        },
    ),
    # Two nodes at 0.70, of which one is idle at 01:00. Redshift knows no normalized units: of 4
    # hours 1 was unused.
    "another service that is reserved": Case(
        [
            *(
                line(hour, "DiscountedUsage", "0", WAREHOUSE, reserved("0.70", units=""), team=team)
                for hour, team in ((0, "alpha"), (0, "beta"), (1, "beta"))
            ),
            line(
                *(0, "RIFee", "2.8", WAREHOUSE, fee_of("0", "0", "0.70", count="2", units="")),
                lineItem__UsageAmount="4",
                reservation__UnusedQuantity="1",
                until="2026-10-01T02:00:00Z",
            ),
        ],
        {
            ("alpha", "usage", 0): "0.70",
            ("beta", "usage", 0): "0.70",
            ("beta", "usage", 1): "0.70",
            ("_unused_ri", "unused_commitment", 1): "0.70",
        },
        {
            "invoice": "2.8",
            "ri_used": "2.1",
            "ri_recurring_fee": "-2.1",
            "true_cost": "2.8",
        },
    ),
    # Net costs are there for what a discount is on, and NULL on the rest, which then costs what it
    # says; but a discount's own line adds nothing to what it took off already.
    "net columns that are null": Case(
        [
            line(0, "Usage", "0.2", team="alpha", lineItem__NetUnblendedCost="0.18"),
            line(0, "EdpDiscount", "-0.02"),
            line(0, "Tax", "0.1"),
            line(0, "DiscountedUsage", "0", reserved("0.11"), team="beta"),
            line(0, "RIFee", "0.11", FEE, fee_of("0"), until="2026-10-01T01:00:00Z"),
        ],
        {
            ("alpha", "usage", 0): "0.18",
            ("unlabeled", "tax", 0): "0.1",
            ("beta", "usage", 0): "0.11",
        },
        {
            "invoice": "0.39",
            "ri_used": "0.11",
            "ri_recurring_fee": "-0.11",
            "true_cost": "0.39",
        },
    ),
    # No net cost was given, and something wrote 0 for it: 100 and a reserved hour of 6 are 106.
    "net columns that are all 0": Case(
        [
            line(0, "Usage", "100", team="alpha", lineItem__NetUnblendedCost="0.0"),
            line(
                *(0, "DiscountedUsage", "0", reserved("6")),
                team="beta",
                lineItem__NetUnblendedCost="0.0",
                reservation__NetEffectiveCost="0.0",
            ),
            line(
                *(0, "RIFee", "6", FEE, fee_of("0")),
                until="2026-10-01T01:00:00Z",
                lineItem__NetUnblendedCost="0.0",
            ),
        ],
        {("alpha", "usage", 0): "100", ("beta", "usage", 0): "6"},
        {
            "invoice": "106",
            "ri_used": "6",
            "ri_recurring_fee": "-6",
            "true_cost": "106",
        },
    ),
    # A tenth off all of it, and every net column says so.
    "all net columns": Case(
        [
            line(0, "Usage", "100", team="alpha", lineItem__NetUnblendedCost="90"),
            line(
                *(0, "DiscountedUsage", "0", reserved("6")),
                team="beta",
                lineItem__NetUnblendedCost="0",
                reservation__NetEffectiveCost="5.4",
            ),
            line(
                *(0, "RIFee", "6", FEE, fee_of("0")),
                until="2026-10-01T01:00:00Z",
                lineItem__NetUnblendedCost="5.4",
                reservation__NetUnusedRecurringFee="0",
            ),
        ],
        {("alpha", "usage", 0): "90", ("beta", "usage", 0): "5.4"},
        {
            "invoice": "95.4",
            "ri_used": "5.4",
            "ri_recurring_fee": "-5.4",
            "true_cost": "95.4",
        },
    ),
    # Net costs that come to exactly 0 because credits do are net costs.
    "credits for all of a bill": Case(
        [
            line(
                *(0, "Usage", "100"),
                team="alpha",
                lineItem__NetUnblendedCost="90",
                discount__TotalDiscount="-10",
            ),
            line(0, "Credit", "-90", lineItem__NetUnblendedCost="-90"),
        ],
        {("alpha", "usage", 0): "90", ("unlabeled", "credit", 0): "-90"},
        {},
    ),
    # The discounts are there, and only the net costs of the commitment were written as 0.
    "net effective costs that are all 0": Case(
        [
            line(0, "Usage", "100", team="alpha", lineItem__NetUnblendedCost="90"),
            line(0, "EdpDiscount", "-10"),
            line(
                *(0, "SavingsPlanCoveredUsage", "8", M5, covered("6")),
                team="beta",
                lineItem__NetUnblendedCost="8",
                savingsPlan__NetSavingsPlanEffectiveCost="0.0",
            ),
            line(
                *(0, "SavingsPlanNegation", "-8", M5, covered("")), lineItem__NetUnblendedCost="-8"
            ),
            line(
                *(0, "SavingsPlanRecurringFee", "6", plan_of("6", "6", "6", "0")),
                lineItem__NetUnblendedCost="6",
            ),
        ],
        {("alpha", "usage", 0): "90", ("beta", "usage", 0): "6"},
        {
            "invoice": "96",
            "sp_used": "-2",
            "sp_negation": "8",
            "sp_recurring_fee": "-6",
            "true_cost": "96",
        },
    ),
}

# Bought in September, with a tenth off that stands in a line; used in October, whose recurring fee
# got a quarter off: 0.10 x 0.9 + 0.06 x 0.75 = 0.135 an hour.
USED_IN_OCTOBER = [
    *TWO_RESERVED_HOURS,
    line(0, "RIFee", "0.12", FEE, fee_of("0.20"), until="2026-10-01T02:00:00Z"),
    line(0, "EdpDiscount", "-0.03", FEE),
]
OF_OCTOBER = {("alpha", "usage", 0): "0.135", ("alpha", "usage", 1): "0.135"}
BRIDGE_OF_OCTOBER = {
    "invoice": "0.09",
    "ri_used": "0.27",
    "ri_recurring_fee": "-0.09",
    "true_cost": "0.27",
}
CASES |= {
    "a reservation bought in an earlier month": Case(
        [
            line(0, "Fee", "876", FEE, RESERVATION, period=SEPTEMBER),
            line(0, "EdpDiscount", "-87.6", FEE, period=SEPTEMBER),
            *USED_IN_OCTOBER,
        ],
        OF_OCTOBER,
        BRIDGE_OF_OCTOBER,
    ),
    "a purchase with net columns before months with lines": Case(
        [
            line(
                *(0, "Fee", "876", FEE, RESERVATION),
                period=SEPTEMBER,
                lineItem__NetUnblendedCost="788.4",
                discount__TotalDiscount="-87.6",
            ),
            *USED_IN_OCTOBER,
        ],
        OF_OCTOBER,
        BRIDGE_OF_OCTOBER,
    ),
    # The other way round, AWS has taken the tenth off by itself.
    "a purchase with lines before months with net columns": Case(
        [
            line(0, "Fee", "876", FEE, RESERVATION, period=SEPTEMBER),
            line(0, "EdpDiscount", "-87.6", FEE, period=SEPTEMBER),
            *(usage | {"reservation/NetEffectiveCost": "0.135"} for usage in TWO_RESERVED_HOURS),
            line(
                *(0, "RIFee", "0.12", FEE, fee_of("0.20")),
                until="2026-10-01T02:00:00Z",
                lineItem__NetUnblendedCost="0.09",
                discount__TotalDiscount="-0.03",
                reservation__NetAmortizedUpfrontFeeForBillingPeriod="0.18",
                reservation__NetUnusedAmortizedUpfrontFeeForBillingPeriod="0",
                reservation__NetUnusedRecurringFee="0",
            ),
        ],
        OF_OCTOBER,
        BRIDGE_OF_OCTOBER,
    ),
    # Nobody knows what the purchase got off: 0.10 + 0.06 x 0.75.
    "a reservation whose purchase never landed": Case(
        USED_IN_OCTOBER,
        {("alpha", "usage", 0): "0.145", ("alpha", "usage", 1): "0.145"},
        BRIDGE_OF_OCTOBER | {"ri_used": "0.29", "true_cost": "0.29"},
    ),
    # Half a dollar an hour, half of it paid upfront; a fifth off the other half: 0.25 + 0.20.
    "a plan whose purchase never landed": Case(
        [
            line(0, "SavingsPlanCoveredUsage", "0.75", M5, covered("0.50"), team="alpha"),
            line(0, "SavingsPlanNegation", "-0.75", M5, covered("")),
            line(0, "SavingsPlanRecurringFee", "0.25", plan_of("0.50", "0.50", "0.25", "0.25")),
            line(0, "EdpDiscount", "-0.05", PLAN),
        ],
        {("alpha", "usage", 0): "0.45"},
        {
            "invoice": "0.20",
            "sp_used": "-0.30",
            "sp_negation": "0.75",
            "sp_recurring_fee": "-0.20",
            "true_cost": "0.45",
        },
    ),
    "the month of such a purchase": Case(
        [
            line(0, "Fee", "876", FEE, RESERVATION, period=SEPTEMBER),
            line(0, "EdpDiscount", "-87.6", FEE, period=SEPTEMBER),
        ],
        {},
        {"invoice": "788.4", "ri_upfront_fee": "-788.4"},
        SEPTEMBER,
    ),
}

# What nobody can name costs what it costs. When it was idle is not known: 0.16 over both hours.
NAMELESS = "commitments without a name"
# The fee bears another name than the usage, and its quarter off is the usage's all the same.
RENAMED = "a commitment under two names"
CASES |= {
    NAMELESS: Case(
        [
            line(0, "Fee", "876", FEE),
            line(0, "DiscountedUsage", "0", M5, reserved("0.16", "0.10", arn=""), team="alpha"),
            line(1, "Usage", "0.01", team="alpha"),
            line(
                *(0, "RIFee", "0.12", FEE, fee_of("0.20", "0.10", "0.06", arn="")),
                until="2026-10-01T02:00:00Z",
            ),
            line(0, "SavingsPlanCoveredUsage", "0.45", M5, covered("0.30", arn=""), team="alpha"),
            line(0, "SavingsPlanNegation", "-0.45", M5, covered("", arn="")),
            line(
                *(0, "SavingsPlanRecurringFee", "0.25"),
                plan_of("0.50", "0.30", "0.25", "0.25", arn=""),
            ),
        ],
        {
            ("alpha", "usage", 0): "0.46",
            ("alpha", "usage", 1): "0.01",
            ("_unused_ri", "unused_commitment", 0): "0.08",
            ("_unused_ri", "unused_commitment", 1): "0.08",
            ("_unused_sp", "commitment_fee", 0): "0.20",
        },
        {
            "invoice": "876.38",
            "ri_upfront_fee": "-876",
            "ri_used": "0.16",
            "ri_recurring_fee": "0.04",
            "sp_used": "-0.15",
            "sp_negation": "0.45",
            "sp_recurring_fee": "-0.05",
            "true_cost": "0.83",
        },
    ),
    RENAMED: Case(
        [
            *TWO_RESERVED_HOURS,
            line(
                *(0, "RIFee", "0.12", FEE, fee_of("0.20", arn="arn:renamed")),
                until="2026-10-01T02:00:00Z",
            ),
            line(0, "EdpDiscount", "-0.03", FEE),
        ],
        {("alpha", "usage", 0): "0.145", ("alpha", "usage", 1): "0.145"},
        BRIDGE_OF_OCTOBER | {"ri_used": "0.29", "true_cost": "0.29"},
    ),
}

PAYERS = {name: f"9000000000{number:02}" for number, name in enumerate(CASES)}


def of_payer(row: Row, payer: str) -> dict[str, str]:
    """The line on a payer's bill; an account and a commitment are one payer's only."""
    names = ("reservation/ReservationARN", "savingsPlan/SavingsPlanARN")
    own = {name: f"{row[name]}:{payer}" for name in names if row.get(name)}
    account = row.get("lineItem/UsageAccountId")
    of_account = {
        "bill/PayerAccountId": payer,
        "lineItem/UsageAccountId": account if account in (APART, APART_TOO) else payer,
    }
    return dict(row) | own | of_account


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Company:
    """The company that all payers belong to, delivered and built."""
    company = company_in(tmp_path_factory.mktemp("commitments"), project)
    for period, dates in ((SEPTEMBER, "20260901-20261001"), (OCTOBER, "20261001-20261101")):
        lines = [
            of_payer(row, PAYERS[name])
            for name, case in CASES.items()
            for row in case.lines
            if row["bill/BillingPeriodStartDate"].startswith(period)
        ]
        columns = dict.fromkeys(column for row in lines for column in row)
        whole = [dict.fromkeys(columns, "") | row for row in lines]
        deliver_legacy(company.bill, text_of(whole), period=dates, assembly=period)
    rule = ("10", "tag", "user_team", "present", "", "{value}", "", "")
    company.declare(
        label_rules=[dict(zip(SEED_COLUMNS["label_rules"], rule, strict=True))],
        discount_sharing=[
            {"account_id": account, "sharing_group": "apart"} for account in (APART, APART_TOO)
        ],
    )
    return built(company, *WITHOUT_UNIT_TESTS)


@pytest.mark.parametrize("name", CASES)
def test_it_costs_what_was_worked_out_by_hand(company: Company, name: str) -> None:
    case = CASES[name]
    costs = company.rows(
        f"""
        select lyft_label, charge_class, hour(usage_hour), sum(true_cost)
        from marts.true_cost
        where payer_account_id = '{PAYERS[name]}' and billing_period = '{case.period}'
        group by all having sum(true_cost) <> 0
        """
    )
    expected = {key: Decimal(cost) for key, cost in case.costs.items()}
    assert {(*key,): cost for *key, cost in costs} == expected


@pytest.mark.parametrize("name", CASES)
def test_its_invoice_is_explained_step_by_step(company: Company, name: str) -> None:
    case = CASES[name]
    bridge = company.rows(
        f"""
        select bridge_item, amount from marts.invoice_bridge
        where payer_account_id = '{PAYERS[name]}' and billing_period = '{case.period}'
        and amount <> 0
        """
    )
    steps = {item: Decimal(amount) for item, amount in case.bridge.items()}
    assert dict(bridge) == {item: amount for item, amount in steps.items() if amount}


def test_purchases_that_never_landed_are_warned_about(company: Company) -> None:
    (warning,) = company.build("--select", "upfront_discounts_are_known").warnings
    # A reservation and a plan, and the reservation of two names under both.
    assert "found 4, the first: payer_account_id=" in warning


def test_prepayments_that_nothing_amortizes_are_warned_about(company: Company) -> None:
    (warning,) = company.build("--select", "prepayments_are_amortized").warnings
    # Three hosts, capacity, and a purchase that AWS is still to amortize.
    assert "found 5, the first: payer_account_id=" in warning
    assert "prepaid_cost=876.0000000000" in warning


def test_what_no_fee_names_is_an_unknown_commitment(company: Company) -> None:
    assert company.rows(
        f"""
        select commitment_type, hour(usage_hour), used_cost, unused_cost
        from marts.commitment_usage
        where payer_account_id in ('{PAYERS[NAMELESS]}', '{PAYERS[RENAMED]}')
        and commitment_id = 'unknown commitment'
        order by all
        """
    ) == [
        (kind, hour, Decimal(used), Decimal(unused))
        for kind, hour, used, unused in (
            ("reservation", 0, "0.145", "0"),
            ("reservation", 0, "0.16", "0.08"),
            ("reservation", 1, "0", "0.08"),
            ("reservation", 1, "0.145", "0"),
            ("savings_plan", 0, "0.30", "0.20"),
        )
    ]


def test_commitments_without_a_name_are_warned_about_with_their_dollars(company: Company) -> None:
    (warning,) = company.build("--select", "commitments_are_named").warnings
    # What was paid upfront, usage and fees of a nameless reservation, usage and fees of a nameless
    # plan; usage under a name of its own.
    assert "found 6, the first: billing_period=2026-10" in warning
    assert "cost=876.0000000000" in warning


# Case -> why its true cost is not AWS's amortized cost, by hand from its lines.
DIFFERENCES = {
    # The amortized upfront fee and the recurring one are in both.
    "a month bought upfront": {"aws_amortized_cost": "0.32", "true_cost": "0.32"},
    # AWS counts the refunds of what it never counted as a cost.
    "prepayments paid back": {
        "aws_amortized_cost": "-920.3",
        "refunds_of_upfront_fees": "919.8",
        "true_cost": "-0.5",
    },
    # The tenth off the upfront fee is in its month for AWS, and in the hours of the term for us.
    "the month of such a purchase": {
        "aws_amortized_cost": "-87.6",
        "discounts_on_upfront_fees": "87.6",
        "true_cost": "0",
    },
    "a reservation bought in an earlier month": {
        "aws_amortized_cost": "0.29",
        "amortized_discounts_on_upfront_fees": "-0.02",
        "true_cost": "0.27",
    },
    # AWS's formula knows no net columns: 0.12 of the recurring fee, of which 0.03 are off.
    "a purchase with lines before months with net columns": {
        "aws_amortized_cost": "0.32",
        "discounts_as_columns": "-0.03",
        "amortized_discounts_on_upfront_fees": "-0.02",
        "true_cost": "0.27",
    },
    # AWS counts neither the fee nor any part of it.
    "a prepayment that nothing amortizes": {
        "aws_amortized_cost": "0",
        "amortized_prepayments": "0.20",
        "true_cost": "0.20",
    },
    # Nor what it says no cost of: its formula takes nothing of such a fee.
    "a host that pays month by month": {
        "aws_amortized_cost": "0",
        "fees_without_costs": "0.12",
        "true_cost": "0.12",
    },
    # A fee that lost its name is an upfront fee all the same.
    NAMELESS: {
        "aws_amortized_cost": "0.83",
        "unused_reservations_on_their_fee": "-0.16",
        "unused_reservations_in_their_hours": "0.16",
        "true_cost": "0.83",
    },
    # On the fee's day for AWS, in the idle hours for us.
    "a reservation modified in the middle of a month": {
        "aws_amortized_cost": "0.64",
        "unused_reservations_on_their_fee": "-0.24",
        "unused_reservations_in_their_hours": "0.24",
        "true_cost": "0.64",
    },
}


def test_every_difference_from_cost_explorer_has_its_name(company: Company) -> None:
    found: dict[tuple[str, str], dict[str, Decimal]] = {}
    for period, payer, item, amount in company.answers("why_not_what_cost_explorer_says"):
        found.setdefault((period, payer), {})[item] = amount

    for (period, payer), items in found.items():
        differences = dict(items)
        true_cost = differences.pop("true_cost")
        assert sum(differences.values()) == true_cost, (period, payer)
        assert differences.pop("unexplained") == 0, (period, payer)
        assert true_cost == company.one(
            "select coalesce(sum(true_cost), 0) from marts.true_cost"
            f" where payer_account_id = '{payer}' and billing_period = '{period}'"
        )
    for name, expected in DIFFERENCES.items():
        items = found[(CASES[name].period, PAYERS[name])]
        assert items.pop("unexplained") == 0
        assert items == {item: Decimal(amount) for item, amount in expected.items()}, name


def test_a_plan_of_one_family_could_cover_its_family_only(company: Company) -> None:
    payer = PAYERS["an EC2 Instance savings plan"]
    assert company.rows(
        f"""
        select coverage, on_demand_list_cost from marts.commitment_usage
        where payer_account_id = '{payer}' and commitment_type = 'savings_plan'
        """
    ) == [(Decimal("0.5"), Decimal("0.192"))]
