"""What the company has bought ahead: reserved machines and databases, and savings plans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from infraspend.simulation.clock import utc
from infraspend.simulation.plan.company import DATA, EAST, PAYER, PRODUCTION
from infraspend.simulation.units import units

_NORMALIZED_UNITS = {"medium": 2, "large": 4, "xlarge": 8, "4xlarge": 32, "18xlarge": 144}


def normalized_units(instance_type: str) -> int:
    """AWS's size factor, by which a reservation is shared out among the sizes of its family."""
    return _NORMALIZED_UNITS[instance_type.split(".")[-1]]


@dataclass(frozen=True, eq=False)
class Reservation:
    """Reserved instances: one purchase, for a year, shared by all sizes of its family.

    The rates are units of a dollar for each normalized unit and hour. `engine` is what reserved
    databases run, empty for machines.
    """

    name: str
    account: str
    instance_type: str
    count: int
    upfront_rate: int
    recurring_rate: int
    bought: datetime
    payment_option: str
    engine: str = ""

    @property
    def arn(self) -> str:
        """The name that every line of this reservation carries."""
        service, kind = ("rds", "ri:") if self.engine else ("ec2", "reserved-instances/")
        return f"arn:aws:{service}:{EAST}:{self.account}:{kind}{self.name}"

    @property
    def product(self) -> str:
        """The product code of what is reserved."""
        return "AmazonRDS" if self.engine else "AmazonEC2"

    @property
    def operation(self) -> str:
        """The operation that its fees are billed for."""
        return "CreateDBInstance:0014" if self.engine else "RunInstances"

    @property
    def family(self) -> str:
        """The instance family whose instances it may cover: `c5`, of databases as of machines."""
        return self.instance_type.split(".")[-2]

    @property
    def units_per_reservation(self) -> int:
        """Normalized units of one of the reserved instances."""
        return normalized_units(self.instance_type)


RESERVATIONS = (
    Reservation(
        "1f0c5a7e-c518-4d2b-9a61-000000000001",
        PRODUCTION,
        "c5.18xlarge",
        2,
        units("0.0061"),
        units("0.0062"),
        utc("2026-02-10"),
        "Partial Upfront",
    ),
    Reservation(
        "2b7d9e10-54f3-4b8c-8e17-000000000002",
        PRODUCTION,
        "m5.4xlarge",
        3,
        units("0.0069"),
        units("0.0071"),
        utc("2026-10-12"),
        "Partial Upfront",
    ),
    Reservation(
        "3c8e0f21-7a64-4c9d-8f28-000000000003",
        DATA,
        "r5.4xlarge",
        3,
        0,
        units("0.0198"),
        utc("2026-09-07"),
        "No Upfront",
    ),
    Reservation(
        "5ea01143-9c86-4ebf-a14a-000000000005",
        PRODUCTION,
        "db.r5.large",
        3,
        units("0.041"),
        0,
        utc("2025-12-09"),
        "All Upfront",
        "PostgreSQL",
    ),
)


@dataclass(frozen=True, eq=False)
class SavingsPlan:
    """A compute savings plan for a year; `commitment` is units of a dollar an hour.

    `returned` is when a plan bought by mistake was given back, with what was paid upfront.
    """

    name: str
    account: str
    commitment: int
    bought: datetime
    payment_option: str
    returned: datetime | None = None

    @property
    def arn(self) -> str:
        """The name that every line of this plan carries."""
        return f"arn:aws:savingsplans::{self.account}:savingsplan/{self.name}"

    @property
    def upfront_halves(self) -> int:
        """How many halves of the commitment are paid upfront."""
        return ("No Upfront", "Partial Upfront", "All Upfront").index(self.payment_option)

    @property
    def usage_type(self) -> str:
        """The usage type that its fees are billed with."""
        return f"ComputeSP:1yr{self.payment_option.replace(' ', '')}"

    def is_in_force(self, hour: datetime) -> bool:
        """Whether it covers usage of this hour."""
        return hour >= self.bought and (self.returned is None or hour < self.returned)


SAVINGS_PLANS = (
    SavingsPlan(
        "4d9f1032-8b75-4dae-9039-000000000004",
        PAYER,
        units("3.6"),
        utc("2026-03-01"),
        "No Upfront",
    ),
    SavingsPlan(
        "6fb12254-ad97-4fc0-b25b-000000000006",
        PAYER,
        units("0.8"),
        utc("2026-11-19T09"),
        "All Upfront",
    ),
    SavingsPlan(
        "70c23365-bea8-40d1-836c-000000000007",
        PAYER,
        units("0.2"),
        utc("2026-11-19T15"),
        "Partial Upfront",
        returned=utc("2026-11-20T11"),
    ),
)
