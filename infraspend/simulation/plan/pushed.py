"""The platforms whose owners push what their users used, hour by hour.

LyftLearn counts GPU-hours of training, Spark core-hours of jobs, and two services count the
requests of the features in them. What nobody used of LyftLearn and of Spark is a row `free`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from infraspend.simulation.clock import utc
from infraspend.simulation.plan.chance import Chance
from infraspend.simulation.plan.company_platforms import (
    FEATURES,
    LYFTLEARN,
    SPARK,
    SUB_PLATFORMS,
)
from infraspend.simulation.units import ONE

_FREE = "free"
# Users, as the owners spell them. labels ignore case.
_TRAINERS = ("eta", "Pricing", "forecasting", "fraud ")
_SPARK_USERS = ("event-ingest", "ETA", "feature-store", "pricing", "reporting")
_FEATURES = {
    "rider-api": (
        "airport-pickup",
        "scheduled-rides",
        "shared-rides",
        "Subscriptions",
        "rider-api",
    ),
    "pricing": ("airport-pickup", "shared-rides", "subscriptions", "surge-pricing", "pricing"),
}
#: Spark's usage was lost for two hours; its owner never found it again.
_LOST = (utc("2026-11-18T12"), utc("2026-11-18T13"))
#: Spark does not take jobs in this hour of a day.
_MAINTENANCE = 4
_TRAINING_HOURS = range(6, 22)


class Usage(NamedTuple):
    """A row of pushed usage, exactly as it was published."""

    hour: datetime
    platform: str
    sub_platform: str
    label: str
    usage: str
    unit: str

    @property
    def units(self) -> int:
        """The usage in ten-billionths, rounded half up as when it is landed."""
        return int((Decimal(self.usage) * ONE).to_integral_value(ROUND_HALF_UP))


def pushed(chance: Chance, hour: datetime) -> list[Usage]:
    """What the owners push for an hour; nothing is there of an hour that was lost."""
    rows = [*_gpu_hours(chance, hour), *_core_hours(chance, hour), *_requests(chance, hour)]
    return [row for row in rows if hour >= SUB_PLATFORMS[row.platform, row.sub_platform].since]


def _gpu_hours(chance: Chance, hour: datetime) -> Iterator[Usage]:
    """LyftLearn, in ten-thousandths of a GPU-hour. At night only its own services are there."""
    trainers = _TRAINERS if hour.hour in _TRAINING_HOURS else ()
    for label in (*trainers, LYFTLEARN, _FREE):
        steps = chance.between(0, 9_999, LYFTLEARN, hour, label)
        # One user in three leaves its notebook open and trains nothing.
        is_idle = label in trainers and steps % 3 == 0
        usage = "0" if is_idle else f"0.{steps:04d}"
        yield Usage(hour, LYFTLEARN, "training", label, usage, "GPU-hours")


def _core_hours(chance: Chance, hour: datetime) -> Iterator[Usage]:
    """Spark, whose owner's program divides seconds with floats."""
    if hour in _LOST:
        return
    for label in (*(() if hour.hour == _MAINTENANCE else _SPARK_USERS), _FREE):
        seconds = chance.between(1, 28_800, SPARK, hour, label)
        yield Usage(hour, SPARK, "production", label, f"{seconds / 3600:.13f}", "core-hours")


def _requests(chance: Chance, hour: datetime) -> Iterator[Usage]:
    for service, features in _FEATURES.items():
        for label in features:
            count = chance.between(0, 90_000, FEATURES, service, hour, label)
            yield Usage(hour, FEATURES, service, label, str(count), "requests")
