"""PromQL, written from untrusted names and values.

An hour is cut into slots as long as the time between two scrapes, and every expression here is
evaluated once a slot, on what was scraped in that slot: no sample is carried over a gap
(Prometheus itself would carry it for five minutes), none is counted twice, and series that were
scraped at different seconds meet in their slot. The server sums the slots: an hour of a series is
transferred as one number.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

HOUR_SECONDS: Final = 3600


@dataclass(frozen=True)
class Window:
    """Some slots in a row.

    Attributes:
        start: Where the first slot starts, in seconds since 1970.
        end: Where the last one ends.
        slot: The length of a slot in seconds; start and end are multiples of it.
        early: How many seconds before that every slot begins and ends, so that scrapes around the
            edge of a slot lie in its middle.
    """

    start: int
    end: int
    slot: int
    early: int = 0

    @property
    def slots(self) -> int:
        """How many slots there are."""
        return (self.end - self.start) // self.slot

    def between(self, start: int, end: int) -> "Window":
        """The slots between two moments that are edges of slots."""
        return replace(self, start=start, end=end)

    def whole(self) -> "Window":
        """The window as one slot."""
        return replace(self, slot=self.end - self.start)

    def halves(self) -> tuple["Window", "Window"]:
        """The first and the second half of a window of at least two slots."""
        middle = self.start + self.slots // 2 * self.slot
        return replace(self, end=middle), replace(self, start=middle)

    def without(self, slots: Iterable[int]) -> list["Window"]:
        """The window without the slots that start at these moments."""
        left = []
        start = self.start
        for cut in sorted(slots):
            if start < cut:
                left.append(replace(self, start=start, end=cut))
            start = cut + self.slot
        if start < self.end:
            left.append(replace(self, start=start))
        return left


def slot_seconds(interval: float) -> int:
    """The shortest slot that always has a scrape and that divides an hour."""
    return next(
        seconds
        for seconds in range(1, HOUR_SECONDS + 1)
        if HOUR_SECONDS % seconds == 0 and seconds >= min(interval, HOUR_SECONDS)
    )


def literal(text: str) -> str:
    """A text as a PromQL string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def exactly(labels: Mapping[str, str]) -> list[str]:
    """Matchers for labels that have these values; an empty value is a label that is not there."""
    return [f"{name}={literal(value)}" for name, value in labels.items()]


def one_of(label: str, values: Iterable[str]) -> str:
    """A matcher for a label that has one of some values."""
    return f"{label}=~{literal('|'.join(_quoted_meta(value) for value in values))}"


def selector(metric: str, matchers: Iterable[str]) -> str:
    """Series of a metric."""
    return f"{metric}{{{','.join(matchers)}}}"


def in_slot(series: str, window: Window) -> str:
    """What was scraped in the slot that ends at the moment of evaluation."""
    return f"last_over_time({during(series, window.slot, window.early)})"


def rate_in_slot(series: str, window: Window) -> str:
    """A counter's rise per second from the scrape of the slot before to that of the slot."""
    return f"rate({during(series, 2 * window.slot, window.early)})"


def during(series: str, seconds: int, early: int = 0) -> str:
    """The samples of the seconds before the moment of evaluation, which is not among them.

    Prometheus 3 leaves out the first moment of a range and Prometheus 2 takes it in. With the
    offset the range starts right at the second for the former, a millisecond early for the latter.
    With `early` all of it lies so many seconds before.
    """
    return f"{series}[{seconds}s] offset {early * 1000 + 1}ms"


def over_slots(function: str, expression: str, window: Window) -> str:
    """A function such as `sum_over_time` of an expression's values in every slot of a window.

    To be evaluated at the window's end.
    """
    # Half a slot short of the window: whether the range is closed on the left does not matter.
    milliseconds = (window.end - window.start) * 1000 - window.slot * 500
    return f"{function}(({expression})[{milliseconds}ms:{window.slot}s])"


def renamed(expression: str, labels: Mapping[str, str]) -> str:
    """An expression with renamed labels: old name -> new name."""
    for here, there in labels.items():
        if here != there:
            expression = f'label_replace({expression}, "{there}", "$1", "{here}", "(.*)")'
    return expression


def _quoted_meta(text: str) -> str:
    """A text as a regular expression of RE2 that matches only it."""
    return "".join(f"\\{char}" if char in r"\.+*?()|[]{}^$" else char for char in text)
