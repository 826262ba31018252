"""How often a cluster is scraped: an hour is whole when it has that many scrapes."""

from collections import Counter
from itertools import pairwise
from typing import Final

from loaders.kubernetes.prometheus import Prometheus
from loaders.kubernetes.promql import during, exactly, selector

_LOOK_BACK_SECONDS: Final = 86_400
_SERIES: Final = 3


def scrape_interval(prometheus: Prometheus, series: str, first: int, last: int) -> int | None:
    """The seconds from one scrape of some series to the next, as most often seen.

    A day is looked at where there is one, so that an hour with few samples is not taken for an
    hour that is scraped seldom.

    Args:
        prometheus: The server.
        series: A selector with a metric's name.
        first: Where the hours to collect start, in seconds since 1970.
        last: Where they end.

    Returns:
        The interval; None if there are no two scrapes to measure it by.

    Raises:
        ServerError: The server does not answer.
    """
    gaps: Counter[int] = Counter()
    at = last
    while not gaps and at > first:
        gaps = _gaps(prometheus, series, at)
        at -= _LOOK_BACK_SECONDS
    most = max(gaps.values(), default=0)
    return min((gap for gap, count in gaps.items() if count == most), default=None)


def _gaps(prometheus: Prometheus, series: str, at: int) -> Counter[int]:
    """How often each gap between two scrapes was seen in the day before a moment."""
    counts = f"count_over_time({during(series, _LOOK_BACK_SECONDS)})"
    gaps: Counter[int] = Counter()
    for labels, _ in prometheus.instant(f"topk({_SERIES}, {counts})", at):
        one = selector(series.partition("{")[0], exactly(labels))
        for moments in prometheus.timestamps(one, _LOOK_BACK_SECONDS, at):
            gaps.update(round(after - before) for before, after in pairwise(moments))
    # Two samples within half a second are no two scrapes.
    del gaps[0]
    return gaps
