"""What the company has bought ahead: reserved instances and a savings plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from loaders.simulation.clock import utc
from loaders.simulation.company import DATA, EAST, PAYER, PRODUCTION
from loaders.simulation.company_machines import INSTANCE_TYPES
from loaders.simulation.units import units


@dataclass(frozen=True, eq=False)
class Reservation:
    """Reserved instances: one purchase, for a year, shared by all sizes of its family.

    The rates are units of a dollar for each normalized unit and hour.
    """

    name: str
    account: str
    instance_type: str
    count: int
    upfront_rate: int
    recurring_rate: int
    bought: datetime
    payment_option: str

    @property
    def arn(self) -> str:
        """The name that every line of this reservation carries."""
        return f"arn:aws:ec2:{EAST}:{self.account}:reserved-instances/{self.name}"

    @property
    def family(self) -> str:
        """The instance family whose machines it may cover."""
        return INSTANCE_TYPES[self.instance_type].family

    @property
    def units_per_reservation(self) -> int:
        """Normalized units of one of the reserved instances."""
        return INSTANCE_TYPES[self.instance_type].normalized_units


RESERVATIONS = (
    Reservation(
        "1f0c5a7e-c518-4d2b-9a61-000000000001",
        PRODUCTION,
        "c5.18xlarge",
        2,
        units("0.0061"),
        units("0.0062"),
        utc("2026-02-10T15"),
        "Partial Upfront",
    ),
    Reservation(
        "2b7d9e10-54f3-4b8c-8e17-000000000002",
        PRODUCTION,
        "m5.4xlarge",
        3,
        units("0.0069"),
        units("0.0071"),
        utc("2026-10-12T08"),
        "Partial Upfront",
    ),
    Reservation(
        "3c8e0f21-7a64-4c9d-8f28-000000000003",
        DATA,
        "r5.4xlarge",
        3,
        0,
        units("0.0198"),
        utc("2026-05-04T11"),
        "No Upfront",
    ),
)


@dataclass(frozen=True, eq=False)
class SavingsPlan:
    """A compute savings plan without upfront payment; `commitment` is units of a dollar an hour."""

    name: str
    account: str
    commitment: int
    bought: datetime

    @property
    def arn(self) -> str:
        """The name that every line of this plan carries."""
        return f"arn:aws:savingsplans::{self.account}:savingsplan/{self.name}"


SAVINGS_PLAN = SavingsPlan(
    "4d9f1032-8b75-4dae-9039-000000000004", PAYER, units("3.6"), utc("2026-03-01")
)
