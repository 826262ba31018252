"""Tracks usage: queries every source for every hour and writes the results.

A failure affects only its hour or source; failures are named at the end, and collected again by the
next run.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Final

from infraspend.loaders.clock import utc_now
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.kubernetes.exporting import CollectionWriter
from infraspend.loaders.kubernetes.history import hours_to_collect, last_hour
from infraspend.loaders.kubernetes.measuring import Hour, cluster_scrapes, measure_hour
from infraspend.loaders.kubernetes.prometheus import Prometheus, ServerError
from infraspend.loaders.kubernetes.promql import HOUR_SECONDS, Window, slot_seconds
from infraspend.loaders.kubernetes.pushed import PushedHour, Usage, measure_pushed, publish_usage
from infraspend.loaders.kubernetes.readings import Readings
from infraspend.loaders.kubernetes.scraping import scrape_interval, scrape_rhythm, slower_slot
from infraspend.loaders.kubernetes.shipping import Shipment, open_shipment
from infraspend.loaders.kubernetes.sources import Source
from infraspend.loaders.kubernetes.vocabulary import (
    BYTE_COUNTERS,
    CPU_USAGE,
    GPU_USAGE,
    MEMORY_USAGE,
    PUSHED,
    cluster_matchers,
    learn,
)
from infraspend.loaders.result import Progress, Step, silent

HOUR: Final = timedelta(hours=1)

_USUAL_SECONDS: Final = 60
_PATIENCE: Final = 3

AT_ONCE: Final = 8
"""How many sources are queried in parallel: most of the time is spent waiting for servers."""

PLATFORMS: Final = "platforms"
"""The directory, beside the collections, of the usage that platform owners push."""


@dataclass(frozen=True)
class ClusterRun:
    """How the run went for a cluster.

    Attributes:
        is_good: Whether everything requested could be collected.
        hours_behind: How many hours before `until` have passed since the last collected one; None
            if none ever was.
        coverage: The share of its scrapes that the last hour had; None if no hour was collected.
        rejects: How many reasons to leave something out were recorded.
        seconds: How long it took.
    """

    is_good: bool
    hours_behind: int | None
    coverage: float | None
    rejects: int
    seconds: float


@dataclass
class Tracked:
    """What a run collected.

    Attributes:
        collections: The directories that were written.
        hours: How many hours of clusters they have.
        incomplete: How many of those were not scraped as often as they should have been.
        unscraped: How many hours of clusters had no valid scrape.
        rejects: How many reasons to leave something out were recorded.
        published: The files with platforms' usage that were written.
        clusters: How the run went for each cluster.
    """

    collections: list[Path] = field(default_factory=list)
    hours: int = 0
    incomplete: int = 0
    unscraped: int = 0
    rejects: int = 0
    published: list[Path] = field(default_factory=list)
    clusters: dict[str, ClusterRun] = field(default_factory=dict)

    def add(self, other: "Tracked") -> None:
        """Adds what another run collected."""
        self.collections += other.collections
        self.hours += other.hours
        self.incomplete += other.incomplete
        self.unscraped += other.unscraped
        self.rejects += other.rejects
        self.published += other.published
        self.clusters |= other.clusters


class TrackError(InfraspendError):
    """Some of the requested hours could not be collected; `tracked` is what could."""

    def __init__(self, message: str, tracked: Tracked) -> None:
        super().__init__(message)
        self.tracked = tracked


def track(
    sources: Sequence[Source],
    to: str,
    *,
    since: datetime | None,
    until: datetime | None,
    now: datetime | None = None,
    at_once: int = AT_ONCE,
    progress: Progress = silent,
) -> Tracked:
    """Collects hours of clusters.

    Args:
        sources: The clusters and where their metrics are.
        to: The directory, or the `s3://` URL, to write to.
        since: The first hour, plain UTC; None goes on from what was collected before.
        until: The hour after the last, plain UTC; None collects all that have passed. Hours that
            have not passed are never collected.
        now: The current time, plain UTC; the clock's by default.
        at_once: How many sources are queried in parallel.
        progress: Gets a line about each step.

    Returns:
        What was collected.

    Raises:
        TrackError: Some hours or clusters could not be collected (they are named, after the
            others have been).
        InfraspendError: Nothing can be written there.
    """
    passed = (now or utc_now()).replace(minute=0, second=0, microsecond=0)
    end = min(until, passed) if until else passed
    tracked = Tracked()
    failures = []
    with (
        open_shipment(to) as shipment,
        ThreadPoolExecutor(max_workers=max(1, at_once), thread_name_prefix="track") as pool,
    ):
        stop = Event()
        runs = [
            pool.submit(_collect_source, source, shipment, since, end, progress, stop)
            for source in sources
        ]
        try:
            for run in runs:
                collected, failed = run.result()
                tracked.add(collected)
                failures += failed
        except BaseException:
            # An interrupted run does not wait for clusters that were not begun.
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    if failures:
        raise TrackError(
            f"{len(failures)} parts could not be collected (everything else was; run this again):"
            f" {'; '.join(failures)}",
            tracked,
        )
    return tracked


def _collect_source(
    source: Source,
    shipment: Shipment,
    since: datetime | None,
    end: datetime,
    progress: Progress,
    stop: Event,
) -> tuple[Tracked, list[str]]:
    """What was collected of a source, and what could not be."""
    began = monotonic()
    tracked = Tracked()
    run = _Run(source, shipment, tracked, progress, stop)
    failures = []
    try:
        shipment.recall(source.cluster)
        if hours := hours_to_collect(shipment.root, source.cluster, since, end):
            run.collect(hours)
    except InfraspendError as error:
        failures.append(_named(source, str(error)))
    except Exception as error:
        # Whatever fails for one cluster, the others are collected; the run fails at the end.
        failures.append(f"{source.cluster}: {type(error).__name__}: {error} (unexpected)")
    for failure in failures:
        progress(failure)
    failures += run.failures
    last = last_hour(shipment.root, source.cluster)
    tracked.clusters[source.cluster] = ClusterRun(
        is_good=not failures,
        hours_behind=(end - last) // HOUR if last else None,
        coverage=run.coverage,
        rejects=tracked.rejects,
        seconds=monotonic() - began,
    )
    return tracked, failures


class _Run:
    """The collecting of one source's hours."""

    def __init__(
        self,
        source: Source,
        shipment: Shipment,
        tracked: Tracked,
        progress: Progress,
        stop: Event,
    ) -> None:
        self._source = source
        self._stop = stop
        self._shipment = shipment
        self.coverage: float | None = None
        self._tracked = tracked
        self._progress = progress
        self._pushed: list[tuple[datetime, Usage]] = []
        self._asked = self._hours = 0
        self.failures: list[str] = []

    def collect(self, hours: Sequence[datetime]) -> None:
        """Collects hours; what failed is in `failures`.

        A collection holds hours of one day that follow each other. A server that fails several
        hours in a row is not queried any more.

        Raises:
            InfraspendError: The source has nothing of the cluster, or nothing can be written.
        """
        session = _Session(self._source, hours)
        self._hours = len(hours)
        for _, day in groupby(hours, key=datetime.date):
            if session.is_given_up:
                break
            self._write(self._measured(session, day))
            published = publish_usage(
                self._shipment.root / PLATFORMS, self._source.cluster, self._pushed
            )
            for file in published:
                self._shipment.send(file)
            self._tracked.published += published
            self._pushed.clear()

    def _measured(self, session: "_Session", hours: Iterable[datetime]) -> Iterator[Hour]:
        """The hours that the server has."""
        for hour in hours:
            if self._stop.is_set():
                raise InfraspendError("stopped")
            name = f"{self._source.cluster} {hour:%Y-%m-%dT%H}"
            self._progress(Step(name, self._asked, self._hours))
            self._asked += 1
            try:
                pushed, measured = session.hour(hour)
            except ServerError as error:
                self._fail(f"{name}: {error}")
                if session.is_given_up:
                    self._fail(f"{name}: the hours after it were not tried")
                    return
                continue
            self._pushed += [(hour, usage) for usage in pushed.usage]
            self._tracked.rejects += len(pushed.refused)
            for reason in pushed.refused:
                self._progress(f"{name}: not published: {reason}")
            if measured:
                yield measured

    def _write(self, hours: Iterable[Hour]) -> None:
        """Writes a day's hours, in as many collections as it takes: one has no gaps."""
        writer: CollectionWriter | None = None
        try:
            for hour in hours:
                self._tracked.unscraped += not hour.samples
                self.coverage = hour.samples / hour.expected_samples
                if not any(hour.tables.values()):
                    continue
                if writer and writer.end_hour != hour.start:
                    self._finish(writer)
                    writer = None
                writer = writer or CollectionWriter(
                    self._shipment.root, self._source.cluster, hour.start
                )
                writer.add(hour.start, hour.tables)
                self._tracked.hours += bool(hour.samples)
                self._tracked.incomplete += 0 < hour.samples < hour.expected_samples
                self._tracked.rejects += len(hour.tables["rejects"])
        except BaseException:
            if writer:
                writer.abandon()
            raise
        if writer:
            self._finish(writer)

    def _finish(self, writer: CollectionWriter) -> None:
        directory = writer.finish()
        self._shipment.send(directory)
        self._tracked.collections.append(directory)

    def _fail(self, message: str) -> None:
        self.failures.append(message)
        self._progress(message)


class _Session:
    """A source, and what is the same for all of its hours."""

    def __init__(self, source: Source, hours: Sequence[datetime]) -> None:
        """Inspects the source.

        Raises:
            InfraspendError: It has nothing of the cluster.
        """
        self._source = source
        self._failed_in_a_row = 0
        self._prometheus = Prometheus(source.access)
        span = _seconds(hours[0]), _seconds(hours[-1] + HOUR)
        matchers = cluster_matchers(self._prometheus, source.cluster, source.match, *span)
        self._vocabulary = learn(self._prometheus, source.cluster, matchers, *span)
        self._metric = self._vocabulary.get(PUSHED)
        self._has_cluster = self._vocabulary.has_cluster or not (self._metric or source.usage)
        series = [self._vocabulary.node_cpus()] if self._has_cluster else []
        series += [self._metric.series()] if self._metric else []
        rhythms = [scrape_rhythm(self._prometheus, one, *span) for one in series]
        if self._has_cluster and rhythms[0] is None:
            raise InfraspendError(
                f"cluster {source.cluster}: {series[0]} has no two samples in the hours asked for:"
                " were they scraped, and are they still kept?"
            )
        slots = [
            slot_seconds(source.scrape_interval or rhythm.interval) for rhythm in rhythms if rhythm
        ]
        self._slot = slots[0] if slots else _USUAL_SECONDS
        self._pushed_slot = slots[-1] if slots else _USUAL_SECONDS
        # A configured interval does not say when scrapes happen.
        first = rhythms[0] if rhythms and not source.scrape_interval else None
        self._early = first.early if first else 0
        self._usage_slots: dict[str, int] | None = None
        if self._has_cluster:
            usage_slots = self._seldom(span)
            if usage_slots == self._seldom((span[0], span[0] + HOUR_SECONDS)):
                self._usage_slots = usage_slots

    def _seldom(self, span: tuple[int, int]) -> dict[str, int]:
        """The slots of usage that is scraped less often than kube-state-metrics, by metric.

        As it was at the end of a span of time.
        """
        slots = {}
        bytes_moved = (counter.metric for counter in BYTE_COUNTERS)
        for names in ((CPU_USAGE, MEMORY_USAGE, *bytes_moved), (GPU_USAGE,)):
            if not (metric := self._vocabulary.first(*names)):
                continue
            interval = scrape_interval(self._prometheus, metric.series(), *span, HOUR_SECONDS)
            if interval and (slot := slot_seconds(interval)) > self._slot:
                slots.update(dict.fromkeys(names, slot))
        return slots

    @property
    def is_given_up(self) -> bool:
        """Whether the server failed too many hours in a row to be queried for another."""
        return self._failed_in_a_row >= _PATIENCE

    def hour(self, hour: datetime) -> tuple[PushedHour, Hour | None]:
        """An hour of what platform owners measure, and of the cluster if there is one.

        Raises:
            ServerError: The server's answer was not complete.
        """
        self._failed_in_a_row += 1
        pushed = self._of_platforms(hour)
        measured = self._of_cluster(hour) if self._has_cluster else None
        self._failed_in_a_row = 0
        return pushed, measured

    def _of_cluster(self, hour: datetime) -> Hour:
        start = _seconds(hour)
        usage_slots = self._usage_slots
        if usage_slots is None:
            # It was scraped more or less often at the beginning than at the end.
            usage_slots = self._seldom((start, start + HOUR_SECONDS))

        def measured(slot: int, early: int = 0) -> Hour:
            return measure_hour(
                self._prometheus,
                self._vocabulary,
                start,
                slot,
                self._source.pod_labels,
                early=early,
                usage_slots=usage_slots,
            )

        def most(slot: int, early: int = 0) -> Hour:
            """The hour; if scrapes are missing, they may lie on both sides of a slot's edge."""
            hour = measured(slot, early)
            if hour.samples >= hour.expected_samples or early:
                return hour
            shifted = Window(start, start + HOUR_SECONDS, slot, slot // 4)
            seen = cluster_scrapes(Readings(self._prometheus, [shifted]), self._vocabulary)
            if seen <= hour.samples:
                return hour
            return max(measured(slot, shifted.early), hour, key=lambda one: one.samples)

        whole = most(self._slot, self._early)
        if self._source.scrape_interval or whole.samples >= whole.expected_samples:
            return whole
        nodes = self._vocabulary.node_cpus()
        slower = slower_slot(self._prometheus, nodes, start, self._slot)
        return most(slower) if slower else whole

    def _of_platforms(self, hour: datetime) -> PushedHour:
        start = _seconds(hour)
        window = Window(start, start + HOUR_SECONDS, self._pushed_slot)
        return measure_pushed(self._prometheus, self._metric, self._source.usage, window)


def _named(source: Source, message: str) -> str:
    return message if source.cluster in message else f"{source.cluster}: {message}"


def _seconds(hour: datetime) -> int:
    return int(hour.replace(tzinfo=UTC).timestamp())
