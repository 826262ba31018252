"""Tracks usage: asks every source for every hour, and writes what they say.

An hour fails alone and a source fails alone; what failed is named at the end, and collected again
by the next run.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlparse

from loaders.errors import InfraspendError
from loaders.kubernetes.exporting import CollectionWriter
from loaders.kubernetes.history import hours_to_collect
from loaders.kubernetes.measuring import Hour, measure_hour
from loaders.kubernetes.prometheus import Prometheus, ServerError
from loaders.kubernetes.promql import HOUR_SECONDS, Window, slot_seconds
from loaders.kubernetes.pushed import PushedHour, Usage, measure_pushed, publish_usage
from loaders.kubernetes.scraping import scrape_interval
from loaders.kubernetes.sources import Source
from loaders.kubernetes.vocabulary import PUSHED, cluster_matchers, learn
from loaders.result import Progress, silent

HOUR: Final = timedelta(hours=1)

_USUAL_SECONDS: Final = 60

PLATFORMS: Final = "platforms"
"""Where, beside the collections, the usage goes that platform owners push."""


@dataclass
class Tracked:
    """What a run collected.

    Attributes:
        collections: The directories that were written.
        hours: How many hours of clusters they hold.
        incomplete: How many of those were not scraped as often as they should have been.
        unscraped: How many hours of clusters had no scrape that could be believed.
        rejects: How many reasons there were to leave something out.
        published: The files with platforms' usage that were written.
    """

    collections: list[Path] = field(default_factory=list)
    hours: int = 0
    incomplete: int = 0
    unscraped: int = 0
    rejects: int = 0
    published: list[Path] = field(default_factory=list)


def track(
    sources: Sequence[Source],
    to: str,
    *,
    since: datetime | None,
    until: datetime | None,
    progress: Progress = silent,
) -> Tracked:
    """Collects hours of clusters.

    Args:
        sources: The clusters and where their metrics are.
        to: The directory to write to.
        since: The first hour, plain UTC; None goes on from what was collected before.
        until: The hour after the last, plain UTC; None collects all that have passed. Hours that
            have not passed are never collected.
        progress: Told what is being done.

    Returns:
        What was collected.

    Raises:
        InfraspendError: Some hours or clusters could not be collected (they are named, after the
            others have been).
    """
    root = _directory(to)
    now = _this_hour()
    end = min(until, now) if until else now
    tracked = Tracked()
    failures = []
    for source in sources:
        hours = hours_to_collect(root, source.cluster, since, end)
        try:
            failures += _track_source(source, root, hours, tracked, progress)
        except InfraspendError as error:
            failures.append(_named(source, str(error)))
            progress(failures[-1])
    if failures:
        raise InfraspendError(
            f"{len(failures)} parts could not be collected (everything else was; run this again):"
            f" {'; '.join(failures)}"
        )
    return tracked


def _track_source(
    source: Source, root: Path, hours: Sequence[datetime], tracked: Tracked, progress: Progress
) -> list[str]:
    """Collects a source's hours; returns what failed."""
    if not hours:
        return []
    session = _Session(source, hours)
    failures: list[str] = []
    pushed: list[tuple[datetime, Usage]] = []

    def measured(some: Iterable[datetime]) -> Iterator[Hour]:
        for hour in some:
            name = f"{source.cluster} {hour:%Y-%m-%dT%H}"
            progress(name)
            try:
                usage = session.pushed(hour)
                pushed.extend((hour, one) for one in usage.usage)
                for reason in usage.refused:
                    progress(f"{name}: not published: {reason}")
                tracked.rejects += len(usage.refused)
                if session.has_cluster:
                    yield session.cluster(hour)
            except ServerError as error:
                failures.append(f"{name}: {error}")
                progress(failures[-1])

    for _, day in groupby(hours, key=datetime.date):
        _write(root, source.cluster, measured(day), tracked)
        tracked.published += publish_usage(root / PLATFORMS, source.cluster, pushed)
        pushed.clear()
    return failures


class _Session:
    """A source, and what is the same for all hours that are collected from it."""

    def __init__(self, source: Source, hours: Sequence[datetime]) -> None:
        """Looks at the source.

        Raises:
            InfraspendError: It has nothing of the cluster.
        """
        self._source = source
        self._prometheus = Prometheus(source.access)
        span = _seconds(hours[0]), _seconds(hours[-1] + HOUR)
        matchers = cluster_matchers(self._prometheus, source.cluster, source.match, *span)
        self._vocabulary = learn(self._prometheus, source.cluster, matchers, *span)
        self._metric = self._vocabulary.get(PUSHED)
        self.has_cluster = self._vocabulary.has_cluster or not (self._metric or source.usage)
        series = [self._vocabulary.node_cpus()] if self.has_cluster else []
        series += [self._metric.series()] if self._metric else []
        intervals = [
            source.scrape_interval or scrape_interval(self._prometheus, one, *span)
            for one in series
        ]
        if self.has_cluster and intervals[0] is None:
            raise InfraspendError(
                f"cluster {source.cluster}: {series[0]} has no two samples in the hours asked for:"
                " were they scraped, and are they still kept?"
            )
        slots = [slot_seconds(interval) for interval in intervals if interval]
        self._slot = slots[0] if slots else _USUAL_SECONDS
        self._pushed_slot = slots[-1] if slots else _USUAL_SECONDS

    def cluster(self, hour: datetime) -> Hour:
        """An hour of the cluster."""
        return measure_hour(
            self._prometheus,
            self._vocabulary,
            _seconds(hour),
            self._slot,
            self._source.pod_labels,
        )

    def pushed(self, hour: datetime) -> PushedHour:
        """An hour of what platform owners measure there."""
        start = _seconds(hour)
        window = Window(start, start + HOUR_SECONDS, self._pushed_slot)
        return measure_pushed(self._prometheus, self._metric, self._source.usage, window)


def _write(root: Path, cluster: str, hours: Iterable[Hour], tracked: Tracked) -> None:
    """Writes hours, in as many collections as it takes: one has no gaps."""
    writer: CollectionWriter | None = None
    for hour in hours:
        if not hour.samples:
            tracked.unscraped += 1
        if not any(hour.tables.values()):
            continue
        if writer and writer.end_hour != hour.start:
            tracked.collections.append(writer.finish())
            writer = None
        writer = writer or CollectionWriter(root, cluster, hour.start)
        writer.add(hour.start, hour.tables)
        tracked.hours += bool(hour.samples)
        tracked.incomplete += 0 < hour.samples < hour.expected_samples
        tracked.rejects += len(hour.tables["rejects"])
    if writer:
        tracked.collections.append(writer.finish())


def _named(source: Source, message: str) -> str:
    return message if source.cluster in message else f"{source.cluster}: {message}"


def _directory(to: str) -> Path:
    """The directory to write to.

    Raises:
        InfraspendError: It is another kind of place.
    """
    parsed = urlparse(to)
    if "://" in to and parsed.scheme != "file":
        raise InfraspendError(
            f"{to}: collections are written to a directory or a file:// URL; copy them to a bucket"
            " afterwards, for example with `aws s3 sync`"
        )
    path = Path(unquote(parsed.path)) if "://" in to else Path(to)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InfraspendError(f"{path} cannot be written to ({error.strerror})") from error
    return path


def _this_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0, tzinfo=None)


def _seconds(hour: datetime) -> int:
    return int(hour.replace(tzinfo=UTC).timestamp())
