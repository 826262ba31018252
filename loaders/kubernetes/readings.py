"""Reads an hour of a cluster from the server, in windows as large as the server allows."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from infraspend.loaders.kubernetes.identities import Identities
from infraspend.loaders.kubernetes.prometheus import Labels, Prometheus, RefusedError, TooLongError
from infraspend.loaders.kubernetes.promql import Window, during, in_slot, over_slots
from infraspend.loaders.kubernetes.vocabulary import Metric

_NODE: Final = ("node", "exported_node")

Key = tuple[str, ...]
Sums = dict[Key, float]
Answer = TypeVar("Answer")
Expression = Callable[[Window], str]
"""An expression that is evaluated once a slot, for a window's slots."""


class Readings:
    """A server's values for some windows, summed over their slots.

    A window that the server finds too large is halved until it is a single slot, and one in which a
    node's name passed to another machine is read in pieces. Sums over slots add up, so that the
    answer does not depend on the pieces.
    """

    def __init__(
        self,
        prometheus: Prometheus,
        windows: Sequence[Window],
        identities: Identities | None = None,
    ) -> None:
        self._prometheus = prometheus
        self._identities = identities or Identities()
        self._windows = [piece for one in windows for piece in self._identities.pieces(one)]

    @property
    def start(self) -> int:
        """Where the first of the windows starts, in seconds since 1970."""
        return self._windows[0].start

    @property
    def slots(self) -> int:
        """How many slots there are in all windows."""
        return sum(window.slots for window in self._windows)

    def summed(self, expression: Expression, labels: Sequence[str]) -> Sums:
        """The sum of an expression's values over the slots.

        Args:
            expression: What to add up.
            labels: The labels that distinguish its series; a missing label is empty.
        """
        return self._collect(
            lambda window: over_slots("sum_over_time", expression(window), window), labels
        )

    def counted(self, expression: Expression, labels: Sequence[str] = ()) -> Sums:
        """In how many slots an expression has a value."""
        return self._collect(
            lambda window: over_slots("count_over_time", expression(window), window), labels
        )

    def slots_with(self, metric: Metric, *matchers: str) -> int:
        """In how many slots any series of a metric was scraped."""
        series = metric.series(*matchers)
        return round(self.counted(lambda window: f"group({in_slot(series, window)})").get((), 0))

    def label_sets(self, metric: Metric, *matchers: str) -> list[tuple[Labels, float]]:
        """The label sets of a metric's series, those first that were scraped most often.

        Replicas of the exporter that scrapes them give one label set each.
        """
        series = metric.series(*matchers)
        counts: dict[tuple[tuple[str, str], ...], float] = defaultdict(float)
        for labels, count in self.each(
            lambda window: f"count_over_time({during(series, window.end - window.start)})"
        ):
            counts[tuple(sorted(labels.items()))] += count
        most_first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [(dict(labels), count) for labels, count in most_first]

    def _collect(self, query: Expression, labels: Sequence[str]) -> Sums:
        sums: Sums = defaultdict(float)
        for found, value in self.each(query):
            sums[tuple(found.get(label, "") for label in labels)] += value
        return dict(sums)

    def each(self, query: Expression) -> Iterator[tuple[Labels, float]]:
        """The series that a query returns, window by window, and their values."""
        for window, answer in self._ask(
            lambda window: self._prometheus.instant(query(window), window.end)
        ):
            for labels, value in answer:
                yield self._identified(labels, window), value

    def slots_where(self, expression: Expression) -> set[int]:
        """Where the slots start in which an expression of one series has a value."""
        found = set()
        for window, moments in self._ask(
            lambda window: self._prometheus.moments(
                expression(window), window.start + window.slot, window.end, window.slot
            )
        ):
            found |= {moment - window.slot for moment in moments}
        return found

    def _ask(self, question: Callable[[Window], Answer]) -> Iterator[tuple[Window, Answer]]:
        """The answers to a question, window by window, in windows that the server allows."""
        waiting = list(self._windows)
        while waiting:
            window = waiting.pop(0)
            try:
                answer = question(window)
            except RefusedError as error:
                # A shorter window makes no shorter query.
                if window.slots == 1 or isinstance(error, TooLongError):
                    raise
                # The next query would be refused as well: it starts with the smaller windows.
                halves = window.halves()
                at = self._windows.index(window)
                self._windows[at : at + 1] = halves
                waiting[:0] = halves
            else:
                yield window, answer

    def _identified(self, labels: Labels, window: Window) -> Labels:
        """The labels with the machine's name, where a node's name stood for several."""
        if not self._identities.machines:
            return labels
        return {
            label: self._identities.node(value, window.start) if label in _NODE else value
            for label, value in labels.items()
        }


def most_seen(found: Iterable[tuple[Labels, float]], labels: Sequence[str]) -> Mapping[Key, Labels]:
    """Per value of some labels, the label set that was scraped most often."""
    first: dict[Key, Labels] = {}
    for labels_found, _ in found:
        first.setdefault(tuple(labels_found.get(label, "") for label in labels), labels_found)
    return first
