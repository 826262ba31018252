"""How often a cluster is scraped: an hour is complete if it has that many scrapes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final

from infraspend.loaders.kubernetes.prometheus import Prometheus, RefusedError
from infraspend.loaders.kubernetes.promql import (
    HOUR_SECONDS,
    during,
    exactly,
    selector,
    slot_seconds,
)

LOOK_BACK_SECONDS: Final = 86_400
_SERIES: Final = 3
_SLOWEST_SECONDS: Final = 300
_IN_A_ROW: Final = 5


@dataclass(frozen=True)
class Rhythm:
    """How often and when something is scraped.

    Attributes:
        interval: The seconds from one scrape to the next, as most often seen.
        early: How many seconds before the whole minute slots should begin: scrapes that fall on
            both sides of a slot's edge would leave some slots empty and fill others twice.
    """

    interval: int
    early: int = 0


def scrape_interval(
    prometheus: Prometheus,
    series: str,
    first: int,
    last: int,
    look_back: int = LOOK_BACK_SECONDS,
) -> int | None:
    """The seconds from one scrape of some series to the next, as `scrape_rhythm`."""
    rhythm = scrape_rhythm(prometheus, series, first, last, look_back)
    return rhythm.interval if rhythm else None


def scrape_rhythm(
    prometheus: Prometheus,
    series: str,
    first: int,
    last: int,
    look_back: int = LOOK_BACK_SECONDS,
) -> Rhythm | None:
    """How often and when some series are scraped.

    A whole day is read if there is one, so that an hour with missing samples is not taken for one
    that is scraped less often.

    Args:
        prometheus: The server.
        series: A selector with a metric's name.
        first: Where the hours to collect start, in seconds since 1970.
        last: Where they end.
        look_back: How many seconds to read.

    Returns:
        The rhythm; None if there are no two scrapes to measure it by.

    Raises:
        ServerError: The server does not answer.
    """
    gaps: Counter[int] = Counter()
    moments: list[float] = []
    at = last
    while not gaps and at > first:
        moments = []
        for one in _scrapes(prometheus, series, at, look_back):
            gaps.update(round(after - before) for before, after in pairwise(one))
            moments += one
        # Two samples within half a second are one scrape.
        del gaps[0]
        at -= look_back
    if not gaps:
        return None
    most = max(gaps.values())
    interval = min(gap for gap, count in gaps.items() if count == most)
    return Rhythm(interval, _early(moments, slot_seconds(interval)))


def slower_slot(prometheus: Prometheus, series: str, start: int, slot: int) -> int | None:
    """The slot of an hour that was scraped less often than the hours around it, for a while.

    That is: several times in a row with that interval. A single missing scrape does not count.

    Args:
        prometheus: The server.
        series: A selector with a metric's name.
        start: The hour's first second since 1970.
        slot: The slot of the hours around it in seconds.

    Returns:
        The slot in seconds; None if the hour was scraped no less often.

    Raises:
        ServerError: The server does not answer.
    """
    for moments in _scrapes(prometheus, series, start + HOUR_SECONDS, HOUR_SECONDS):
        gaps = [slot_seconds(round(after - before)) for before, after in pairwise(moments)]
        runs = [(gap, len(list(run))) for gap, run in groupby(gaps)]
        slowest = max((gap for gap, length in runs if length >= _IN_A_ROW), default=0)
        if slot < slowest <= _SLOWEST_SECONDS:
            return slowest
    return None


def _early(moments: Sequence[float], slot: int) -> int:
    """A quarter of a slot where scrapes fall on both sides of its edge and nowhere else."""
    quarter = slot // 4
    phases = [moment % slot for moment in moments]
    after = sum(phase < quarter for phase in phases)
    before = sum(phase > slot - quarter for phase in phases)
    return quarter if after and before and after + before == len(phases) else 0


def _scrapes(
    prometheus: Prometheus, series: str, at: int, look_back: int
) -> Iterator[Sequence[float]]:
    """When each of a few series was scraped in the time before a moment."""
    counts = f"count_over_time({during(series, look_back)})"
    try:
        found = prometheus.instant(f"topk({_SERIES}, {counts})", at)
    except RefusedError:
        if look_back <= 2 * _SLOWEST_SECONDS:
            raise
        yield from _scrapes(prometheus, series, at, look_back // 2)
        return
    for labels, _ in found:
        one = selector(series.partition("{")[0], exactly(labels))
        yield from prometheus.timestamps(one, look_back, at)
