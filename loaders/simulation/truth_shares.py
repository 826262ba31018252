"""The true schedules: who held which share of a platform in an hour.

Worked out in whole numbers from what ran, for the shares that the models find to be compared with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from loaders.simulation.clusters import ClusterHour
from loaders.simulation.company import label_of_namespace
from loaders.simulation.ready_made import Published
from loaders.simulation.units import ONE

#: The pool of a sub-platform as a whole.
ALL = "all"
_UNKNOWN = "unknown"
_FREE = "free"

#: Proportions by label, in ten-billionths, and those by pool.
Shares = dict[str, int]
SharesByPool = dict[str, Shares]


def deal(total: int, weights: Sequence[int]) -> list[int]:
    """Deals whole units out by weight, so that they add up to the total.

    Everyone gets the share rounded down; what is left over goes one unit each to the largest
    remainders, of equal ones to the first.
    """
    whole = sum(weights)
    dealt = [total * weight // whole for weight in weights]
    by_remainder = sorted(
        range(len(weights)), key=lambda index: (-(total * weights[index] % whole), index)
    )
    for index in by_remainder[: total - sum(dealt)]:
        dealt[index] += 1
    return dealt


def shares_of(weights: Mapping[str, int]) -> Shares:
    """Proportions that add up to exactly 1; nothing at all is free."""
    labels = sorted(label for label, weight in weights.items() if weight)
    if not labels:
        return {_FREE: ONE}
    return dict(zip(labels, deal(ONE, [weights[label] for label in labels]), strict=True))


def shares_of_cluster(one: ClusterHour) -> SharesByPool:
    """The shares of a cluster in an hour, by instance type and as a whole.

    A label holds what its containers requested. What the nodes had beyond all requests is free;
    requests beyond what the nodes had leave nothing free and are scaled down together.
    """
    by_memory = one.cluster.cost_model == "memory"
    capacity: defaultdict[str, int] = defaultdict(int)
    for node in one.nodes:
        offered = node.memory_gib() if by_memory else node.cores()
        for pool in (node.instance_type or _UNKNOWN, ALL):
            capacity[pool] += offered
    requested: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for container in one.containers:
        amount = container.memory_request if by_memory else container.cpu_request
        for pool in (container.instance_type or _UNKNOWN, ALL):
            requested[pool][label_of_namespace(container.namespace)] += amount
    return {
        pool: shares_of(
            {
                **requested[pool],
                _FREE: max(0, capacity[pool] - sum(requested[pool].values())),
            }
        )
        for pool in sorted({*capacity, *requested})
    }


def shares_as_published(lines: Iterable[Published]) -> dict[str, SharesByPool]:
    """The shares of a ready-made schedule, by sub-platform; it knows no pools."""
    weights: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in lines:
        weights[line.sub_platform][line.label.strip().lower()] += line.units
    return {sub_platform: {ALL: shares_of(by_label)} for sub_platform, by_label in weights.items()}
