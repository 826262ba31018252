"""Collects the usage that platform owners measure themselves, and publishes it as they would.

An owner emits a gauge, `infraspend_platform_usage{platform, sub_platform, lyft_label}` with an
optional `capacity_pool` (`label` is read where `lyft_label` is missing), or names any PromQL in
the configuration file. The result is the CSV file that an owner would publish, with an hour of
usage per label, for `infraspend load platforms`.

An hour's usage is the mean of the gauge over the scrapes of its own job, times one hour: a label
without a series used nothing, and a missing scrape is not zero. Several instances of a job add up.
An hour is not published if its job was scraped for less than three quarters of it, or if a value is
no measurement: the shares of half an hour would be taken for a whole one's.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Final

from infraspend.loaders.kubernetes.prometheus import Prometheus
from infraspend.loaders.kubernetes.promql import Window, in_slot
from infraspend.loaders.kubernetes.quarantine import amount
from infraspend.loaders.kubernetes.readings import Readings, Sums
from infraspend.loaders.kubernetes.sources import UsageQuery
from infraspend.loaders.kubernetes.vocabulary import Metric

COLUMNS: Final = (
    *("usage_hour", "platform", "sub_platform", "capacity_pool", "lyft_label", "usage", "unit"),
)

_LEAST_COVERAGE: Final = 0.75
_MOST: Final = 1e14


@dataclass(frozen=True)
class Usage:
    """What a label used of a platform in an hour.

    Attributes:
        platform: The platform.
        sub_platform: The part of it.
        capacity_pool: The pool; empty without pools.
        lyft_label: The label.
        usage: How much, in unit-hours.
        unit: The unit; empty if none is given.
    """

    platform: str
    sub_platform: str
    capacity_pool: str
    lyft_label: str
    usage: Decimal
    unit: str = ""


@dataclass(frozen=True)
class PushedHour:
    """An hour of the usage that platform owners measure.

    Attributes:
        usage: What can be published.
        refused: Why other sub-platforms' hour cannot, in a line each.
    """

    usage: Sequence[Usage]
    refused: Sequence[str]


def measure_pushed(
    prometheus: Prometheus,
    metric: Metric | None,
    queries: Iterable[UsageQuery],
    window: Window,
) -> PushedHour:
    """Measures an hour of the metric of convention and of the queries that are configured.

    Args:
        prometheus: Where the samples are.
        metric: The metric of convention, if it is there.
        queries: The queries.
        window: The hour, in slots as long as its series are apart.

    Raises:
        ServerError: The server's answer was not complete.
    """
    readings = Readings(prometheus, [window])
    measured = list(_of_queries(readings, queries))
    if metric:
        measured += _of_convention(readings, metric)
    usage: list[Usage] = []
    refused = []
    for sub_platform in measured:
        if reason := sub_platform.reason(readings.slots):
            refused.append(f"{sub_platform.platform}/{sub_platform.sub_platform}: {reason}")
        else:
            usage += sub_platform.usage()
    return PushedHour(usage, sorted(refused))


def publish_usage(root: Path, cluster: str, hours: Sequence[tuple[datetime, Usage]]) -> list[Path]:
    """Writes usage as its owners would publish it: a file per platform.

    Args:
        root: The directory that platform owners' files go to.
        cluster: Where it was collected, which the file is named after.
        hours: The usage and its hour, in the order of hours.

    Returns:
        The files, each named after its hours: the same hours again replace the file.
    """
    by_platform: dict[str, list[tuple[datetime, Usage]]] = defaultdict(list)
    for hour, usage in hours:
        by_platform[usage.platform].append((hour, usage))
    files = []
    for platform, rows in sorted(by_platform.items()):
        directory = root / platform
        directory.mkdir(parents=True, exist_ok=True)
        first, last = rows[0][0], rows[-1][0]
        file = directory / f"{cluster}_{first:%Y%m%dT%H}_{last:%Y%m%dT%H}.csv"
        # Hidden files are not read, so that nobody reads half of one.
        part = directory / f".{file.name}.part"
        with part.open("w", encoding="utf-8", newline="") as content:
            writer = csv.writer(content)
            writer.writerow(COLUMNS)
            for hour, usage in rows:
                writer.writerow(
                    (
                        *(hour.isoformat(), usage.platform, usage.sub_platform),
                        *(usage.capacity_pool, usage.lyft_label, f"{usage.usage:f}", usage.unit),
                    )
                )
        files.append(part.replace(file))
    return files


@dataclass
class _SubPlatform:
    """What was measured of a sub-platform in an hour."""

    platform: str
    sub_platform: str
    unit: str
    used: dict[tuple[str, str], float]
    """Pool and label -> the mean usage."""
    scrapes: float
    """In how many slots anything was measured: the least of all its jobs."""

    def reason(self, slots: int) -> str | None:
        """Why this cannot be published, if it cannot."""
        if not is_name(self.platform) or not self.sub_platform:
            return "its labels platform and sub_platform are no names"
        for (_, label), value in sorted(self.used.items()):
            if not label:
                return "a series has neither lyft_label nor label"
            if not isfinite(value) or not 0 <= value <= _MOST:
                return f"the usage of {label!r} is {value:g}, which is no measurement"
        if self.scrapes < _LEAST_COVERAGE * slots:
            return f"{self.scrapes:g} of {slots} scrapes are too few to stand for an hour"
        return None

    def usage(self) -> Iterator[Usage]:
        """One row per pool and label."""
        for (pool, label), value in sorted(self.used.items()):
            yield Usage(self.platform, self.sub_platform, pool, label, amount(value), self.unit)


def is_name(text: str) -> bool:
    """Whether a text can be the name of a directory."""
    return bool(text) and text not in (".", "..") and not {"/", "\\", "\0"} & set(text)


def _of_convention(readings: Readings, metric: Metric) -> Iterator[_SubPlatform]:
    """The metric of convention, by sub-platform."""
    names = ("job", "platform", "sub_platform", "capacity_pool", "lyft_label", "label", "unit")
    series = metric.series()

    def used(window: Window) -> str:
        return f"sum by ({', '.join(names)}) ({in_slot(series, window)})"

    def scraped(window: Window) -> str:
        return f"group by ({', '.join(names[:3])}) ({in_slot(series, window)})"

    scrapes = readings.counted(scraped, names[:3])
    found: dict[tuple[str, str], _SubPlatform] = {}
    for key, value in sorted(readings.summed(used, names).items()):
        job, platform, sub_platform, pool, lyft_label, label, unit = key
        of_job = scrapes[job, platform, sub_platform]
        one = found.setdefault(
            (platform, sub_platform), _SubPlatform(platform, sub_platform, unit, {}, of_job)
        )
        at = pool, lyft_label or label
        one.used[at] = one.used.get(at, 0) + value / of_job
        one.scrapes = min(one.scrapes, of_job)
    yield from found.values()


def _of_queries(readings: Readings, queries: Iterable[UsageQuery]) -> Iterator[_SubPlatform]:
    """The results of configured queries, by sub-platform."""
    found: dict[tuple[str, str], _SubPlatform] = {}
    for query in queries:
        scrapes, used = _of_query(readings, query)
        one = found.setdefault(
            (query.platform, query.sub_platform),
            _SubPlatform(query.platform, query.sub_platform, query.unit or "", {}, scrapes),
        )
        one.scrapes = min(one.scrapes, scrapes)
        for (label,), value in used.items():
            at = query.capacity_pool or "", label
            one.used[at] = one.used.get(at, 0) + value / scrapes
    yield from found.values()


def _of_query(readings: Readings, query: UsageQuery) -> tuple[float, Sums]:
    """In how many slots a query has a value, and the sum of its values by label."""
    scrapes = readings.counted(lambda _: f"group({query.query})").get((), 0)
    used = readings.summed(lambda _: f"sum by ({query.label}) ({query.query})", [query.label])
    return scrapes, used
