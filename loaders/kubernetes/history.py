"""Which hours to collect: those requested, or those that earlier runs left."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from infraspend.loaders.kubernetes.collection import Collection, collections_of, read_collection

_HOUR: Final = timedelta(hours=1)
_FIRST_RUN: Final = timedelta(hours=24)
SECOND_LOOK: Final = timedelta(hours=6)
"""How far back incomplete hours are collected again."""


def hours_to_collect(
    root: Path, cluster: str, since: datetime | None, end: datetime
) -> list[datetime]:
    """The hours to collect of a cluster, plain UTC, in their order.

    Without a first hour they go on where the last collection ended, and begin with those of the
    six hours before that were not complete: scrapes may have arrived late. Where nothing was
    collected yet they are the 24 hours before the end.

    Args:
        root: The directory of collections.
        cluster: The cluster's name.
        since: The first hour, plain UTC; None to go on.
        end: The hour after the last, plain UTC.

    Raises:
        InfraspendError: A collection of the last hours cannot be read.
    """
    if since is not None:
        return _hours(since, end)
    collections = list(collections_of(root, cluster))
    if not collections:
        return _hours(end - _FIRST_RUN, end)
    collected = max(ended for _, _, ended in collections)
    second_look = collected - SECOND_LOOK
    # For those before, the names are enough.
    complete = {
        hour
        for index, _, ended in collections
        if ended > second_look
        for hour in _complete(read_collection(index))
    }
    again = [hour for hour in _hours(second_look, min(collected, end)) if hour not in complete]
    # Hours before the first collection were never requested.
    first = min(began for _, began, _ in collections)
    return [hour for hour in again if hour >= first] + _hours(collected, end)


def last_hour(root: Path, cluster: str) -> datetime | None:
    """The end of the last hour that was collected of a cluster, plain UTC; None if none was."""
    return max((ended for _, _, ended in collections_of(root, cluster)), default=None)


def _complete(collection: Collection) -> set[datetime]:
    """The hours of a collection with as many scrapes as there should have been."""
    scrapes = pq.ParquetFile(collection.directory / "scrape_hours.parquet").read()
    return {
        row["usage_hour"]
        for row in scrapes.to_pylist()
        if row["samples"] >= row["expected_samples"]
    }


def _hours(first: datetime, end: datetime) -> list[datetime]:
    return [first + number * _HOUR for number in range(max(0, (end - first) // _HOUR))]
