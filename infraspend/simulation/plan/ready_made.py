"""The data warehouse: a platform whose owner works out the schedule and publishes it.

The owner's proportions come from a program with floats: rounded to ten digits they add up to 1
give or take a few units of the last one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from infraspend.simulation.plan.chance import Chance
from infraspend.simulation.plan.company_platforms import SUB_PLATFORMS, WAREHOUSE
from infraspend.simulation.units import ONE, as_text

_FREE = "free"
#: Who shares which part of the warehouse, as its owner spells them.
_TENANTS = {
    "analytics": ("eta", "Forecasting", "fraud", "feature-store", "promotions", "reporting", _FREE),
    "storage": ("event-ingest", "ledger", "reporting ", "rider-api", "tiles"),
}


class Published(NamedTuple):
    """A line of a ready-made schedule, exactly as it was published."""

    hour: datetime
    sub_platform: str
    label: str
    proportion: str

    @property
    def units(self) -> int:
        """The proportion in ten-billionths, rounded half up as when it is landed."""
        return int((Decimal(self.proportion) * ONE).to_integral_value(ROUND_HALF_UP))


def published(chance: Chance, hour: datetime) -> Iterator[Published]:
    """What the warehouse's owner publishes for an hour."""
    for sub_platform, tenants in _TENANTS.items():
        if hour < SUB_PLATFORMS[WAREHOUSE, sub_platform].since:
            continue
        weights = [chance.between(1, 997, sub_platform, hour, tenant) for tenant in tenants]
        total = sum(weights)
        if sub_platform == "analytics":
            texts = [repr(weight / total) for weight in weights]
        else:
            # A tidier program: whole ten-thousandths, the last tenant takes the rest.
            steps = [10_000 * weight // total for weight in weights[:-1]]
            steps.append(10_000 - sum(steps))
            texts = [as_text(step * ONE // 10_000) for step in steps]
        for tenant, text in zip(tenants, texts, strict=True):
            yield Published(hour, sub_platform, tenant, text)
