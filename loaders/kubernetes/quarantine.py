"""Values that are no measurement: not a number, infinite, negative, or impossibly large.

Proportions are computed from requests, capacity and phases. A scrape in which one of them is no
measurement is not used at all: its slot is left out everywhere, the rest of the hour represents it,
and the coverage of the hour counts it as missing. All other values (use, volumes) become unknown
where their sum is no measurement. Both are listed in `rejects`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from math import isfinite
from typing import Final

from infraspend.loaders.kubernetes.prometheus import Labels
from infraspend.loaders.kubernetes.promql import Window, during, in_slot
from infraspend.loaders.kubernetes.readings import Readings

GIB: Final = 2**30
MOST_CORES: Final = 100_000
MOST_BYTES: Final = 2**60
MOST_GPUS: Final = 100_000

_DIGITS: Final = Decimal(1).scaleb(-10)


@dataclass(frozen=True)
class Believable:
    """Series and their largest valid value; the smallest is 0.

    Attributes:
        series: A selector.
        most: The largest value.
    """

    series: str
    most: int


def unbelievable_series(
    readings: Readings, believable: Sequence[Believable]
) -> Iterator[tuple[Believable, Labels, float]]:
    """The series with a value that is no measurement, and such a value of each."""
    for one in believable:
        blamed = {
            tuple(sorted(labels.items())): value
            for labels, value in readings.each(partial(_values, one))
        }
        for labels, value in blamed.items():
            yield one, dict(labels), value


def unbelievable_slots(readings: Readings, believable: Sequence[Believable]) -> set[int]:
    """Where the slots start in which a series had a value that is no measurement."""
    return readings.slots_where(
        lambda window: " or ".join(
            f"group({value} < 0 or {value} > {one.most} or {value} != {value})"
            for one in believable
            for value in [in_slot(one.series, window)]
        )
    )


def _values(believable: Believable, window: Window) -> str:
    """For series with a value in the window that is no measurement, such a value."""
    samples = during(believable.series, window.end - window.start, window.early)
    return (
        f"min_over_time({samples}) < 0 or max_over_time({samples}) > {believable.most}"
        f" or sum_over_time({samples}) != sum_over_time({samples})"
    )


class Quarantine:
    """Turns sums into amounts, and records values that are no measurement."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def amount(self, value: float, most: float, what: str) -> Decimal | None:
        """A value as an amount; None if it is no measurement, and the reason is recorded.

        Args:
            value: An hour's value in the unit of its column.
            most: The largest valid value.
            what: What it is the value of.
        """
        if isfinite(value) and 0 <= value <= most:
            return amount(value)
        self.reasons.append(f"{what} is {value:g}, which is no measurement: it is left out")
        return None


def amount(value: float) -> Decimal:
    """A value by its shortest digits, to the ten places that amounts have here."""
    return Decimal(repr(value)).quantize(_DIGITS)


def described(series: str, labels: Labels) -> str:
    """A short name of a series."""
    who = ", ".join(f"{name}={labels[name]!r}" for name in sorted(labels))
    return f"{series.partition('{')[0]} of {who}"
