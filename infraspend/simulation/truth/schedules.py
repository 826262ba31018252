"""The true schedules: who held which share of which platform in an hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from infraspend.simulation.clock import HOUR
from infraspend.simulation.plan.clusters import ClusterHour
from infraspend.simulation.plan.company_platforms import (
    KUBERNETES,
    RESOURCES,
    SUB_PLATFORMS,
    WAREHOUSE,
    SubPlatform,
)
from infraspend.simulation.plan.pushed import Usage
from infraspend.simulation.plan.ready_made import Published
from infraspend.simulation.truth.shares import Shares, shares_of
from infraspend.simulation.truth.weights import (
    ALL,
    FREE,
    Weights,
    holdings,
    weights_of,
    weights_of_volumes,
)


class Key(NamedTuple):
    """Which schedule of an hour it is."""

    sub_platform: SubPlatform
    cost_model: str
    pool: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """Who held which share.

    Attributes:
        shares: What the cost is split by.
        with_free: The same before `free` was spread over those who held something.
        basis: How well it is known, in Infraspend's words.
    """

    shares: Shares
    with_free: Shares
    basis: str


Schedules = dict[Key, Schedule]

#: What is pushed for an hour.
Pushed = Callable[[datetime], Sequence[Usage]]


def schedules_of(
    hour: datetime,
    clusters: Iterable[ClusterHour],
    published: Iterable[Published],
    pushed: Pushed,
) -> Schedules:
    """All schedules of an hour, of what was last seen of each cluster."""
    return dict(
        [*_of_clusters(hour, clusters), *_ready_made(published), *_of_pushed_usage(hour, pushed)]
    )


def schedule_of(sub_platform: SubPlatform, weights: Weights, basis: str) -> Schedule:
    """What the sub-platform makes of weights: `spread` leaves out what nobody held."""
    with_free = shares_of(weights)
    if sub_platform.free_policy != "spread":
        return Schedule(with_free, with_free, basis)
    held = {label: weight for label, weight in weights.items() if label != FREE}
    return Schedule(shares_of(held), with_free, basis)


def _of_clusters(hour: datetime, clusters: Iterable[ClusterHour]) -> Iterator[tuple[Key, Schedule]]:
    """The schedules of clusters, in every cost model that something of theirs is shared out by.

    An hour that nobody saw has what the last one had that somebody did.
    """
    for one in clusters:
        basis = "measured" if one.hour == hour else "carried_forward"
        cluster = SUB_PLATFORMS[KUBERNETES, one.cluster.name]
        by_pool = holdings(one, cluster.allocation_base)
        for cost_model in {
            resource.cost_model for resource in RESOURCES if resource.sub_platform is cluster
        }:
            if cost_model == "storage":
                weights = {ALL: weights_of_volumes(one.volumes)}
            else:
                weights = {
                    pool: weights_of(holding, cost_model) for pool, holding in by_pool.items()
                }
            for pool, by_label in weights.items():
                key = Key(cluster, cost_model, pool)
                yield key, schedule_of(cluster, by_label, basis)


def _ready_made(lines: Iterable[Published]) -> Iterator[tuple[Key, Schedule]]:
    weights: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in lines:
        weights[line.sub_platform][_label(line.label)] += line.units
    for name, by_label in weights.items():
        sub_platform = SUB_PLATFORMS[WAREHOUSE, name]
        key = Key(sub_platform, sub_platform.cost_model, ALL)
        yield key, schedule_of(sub_platform, by_label, "ready_made")


def _of_pushed_usage(hour: datetime, pushed: Pushed) -> Iterator[tuple[Key, Schedule]]:
    for sub_platform in SUB_PLATFORMS.values():
        if sub_platform.source == "pushed" and hour >= sub_platform.since:
            key = Key(sub_platform, sub_platform.cost_model, ALL)
            weights, basis = _pushed_weights(sub_platform, hour, pushed), "pushed"
            if not weights:
                weights, basis = _interpolated(sub_platform, hour, pushed), "interpolated"
            yield key, schedule_of(sub_platform, weights, basis)


def _pushed_weights(sub_platform: SubPlatform, hour: datetime, pushed: Pushed) -> Weights:
    return {
        _label(row.label): row.units
        for row in pushed(hour)
        if (row.platform, row.sub_platform) == sub_platform.place
    }


def _interpolated(sub_platform: SubPlatform, hour: datetime, pushed: Pushed) -> Weights:
    """The weights of an hour that was lost: on the straight line between its neighbours'."""
    since, before = _neighbour(sub_platform, hour, -1, pushed)
    until, after = _neighbour(sub_platform, hour, 1, pushed)
    return {
        label: Fraction(until * before.get(label, 0) + since * after.get(label, 0), since + until)
        for label in {*before, *after}
    }


def _neighbour(
    sub_platform: SubPlatform, hour: datetime, direction: int, pushed: Pushed
) -> tuple[int, Weights]:
    """How many hours away the next hour is that was not lost, and its weights."""
    distance = 0
    weights: Weights = {}
    while not weights:
        distance += 1
        weights = _pushed_weights(sub_platform, hour + direction * distance * HOUR, pushed)
    return distance, weights


def _label(spelling: str) -> str:
    return spelling.strip().lower()
