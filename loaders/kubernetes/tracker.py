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
from loaders.kubernetes.promql import slot_seconds
from loaders.kubernetes.scraping import scrape_interval
from loaders.kubernetes.sources import Source
from loaders.kubernetes.vocabulary import cluster_matchers, learn
from loaders.result import Progress, silent

HOUR: Final = timedelta(hours=1)


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
    prometheus = Prometheus(source.access)
    first, last = _seconds(hours[0]), _seconds(hours[-1] + HOUR)
    matchers = cluster_matchers(prometheus, source.cluster, source.match, first, last)
    vocabulary = learn(prometheus, source.cluster, matchers, first, last)
    interval = source.scrape_interval or scrape_interval(prometheus, vocabulary, first, last)
    slot = slot_seconds(interval)
    failures: list[str] = []

    def measured(some: Sequence[datetime]) -> Iterator[Hour]:
        for hour in some:
            progress(f"{source.cluster} {hour:%Y-%m-%dT%H}")
            try:
                yield measure_hour(prometheus, vocabulary, _seconds(hour), slot, source.pod_labels)
            except ServerError as error:
                failures.append(f"{source.cluster} {hour:%Y-%m-%dT%H}: {error}")
                progress(failures[-1])

    for _, day in groupby(hours, key=datetime.date):
        _write(root, source.cluster, measured(list(day)), tracked)
    return failures


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
