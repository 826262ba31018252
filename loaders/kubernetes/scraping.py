"""How often a cluster is scraped: an hour is whole when it has that many scrapes."""

from collections import Counter
from itertools import pairwise
from typing import Final

from loaders.errors import InfraspendError
from loaders.kubernetes.prometheus import Prometheus
from loaders.kubernetes.promql import during, exactly, selector
from loaders.kubernetes.vocabulary import Vocabulary

_LOOK_BACK_SECONDS: Final = 86_400
_NODES: Final = 3


def scrape_interval(prometheus: Prometheus, vocabulary: Vocabulary, first: int, last: int) -> int:
    """The seconds from one scrape of a cluster to the next, as most often seen.

    A day is looked at where there is one, so that an hour with few samples is not taken for an
    hour that is scraped seldom.

    Args:
        prometheus: The server.
        vocabulary: What the cluster's metrics are called.
        first: Where the hours to collect start, in seconds since 1970.
        last: Where they end.

    Raises:
        InfraspendError: There are no two scrapes to measure it by.
        ServerError: The server does not answer.
    """
    gaps: Counter[int] = Counter()
    at = last
    while not gaps and at > first:
        gaps = _gaps(prometheus, vocabulary, at)
        at -= _LOOK_BACK_SECONDS
    if not gaps:
        raise InfraspendError(
            f"cluster {vocabulary.cluster}: {vocabulary.capacity.name} has no two samples in the"
            " hours asked for: were they scraped, and are they still kept?"
        )
    most = max(gaps.values())
    return min(gap for gap, count in gaps.items() if count == most)


def _gaps(prometheus: Prometheus, vocabulary: Vocabulary, at: int) -> Counter[int]:
    """How often each gap between two scrapes was seen in the day before a moment."""
    name = vocabulary.capacity.name
    counts = during(vocabulary.node_cpus(), _LOOK_BACK_SECONDS)
    most_scraped = prometheus.instant(f"topk({_NODES}, count_over_time({counts}))", at)
    gaps: Counter[int] = Counter()
    for labels, _ in most_scraped:
        series = selector(name, exactly(labels))
        for moments in prometheus.timestamps(series, _LOOK_BACK_SECONDS, at):
            gaps.update(round(after - before) for before, after in pairwise(moments))
    del gaps[0]
    return gaps
