"""What each label weighs in a cluster in an hour, under each cost model.

Worked out with fractions from what ran, so that nothing is rounded before the shares are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from infraspend.simulation.plan.clusters import ClusterHour, Container
from infraspend.simulation.plan.company import label_of_namespace
from infraspend.simulation.plan.company_clusters import Volume
from infraspend.simulation.units import ONE

#: The pool of a sub-platform as a whole.
ALL = "all"
FREE = "free"
_UNKNOWN = "unknown"

#: What a label weighs against the others; what nobody held is the label `free`.
Weights = Mapping[str, Fraction | int]

_RESOURCES = ("cpu", "memory", "gpu")
#: What a core, a GiB and a GPU weigh: AWS's ratios, without and with GPUs.
_PRICES = {"cpu": Fraction(9), "memory": Fraction(1), "gpu": Fraction(0)}
_PRICES_WITH_GPUS = {"cpu": Fraction(9, 10), "memory": Fraction(1, 10), "gpu": Fraction(9)}


@dataclass
class Holding:
    """What a pool offered in an hour, and what each label held of it, by resource."""

    offered: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    held: defaultdict[str, defaultdict[str, int]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(int))
    )

    def total(self, resource: str) -> int:
        """What all labels held of a resource."""
        return sum(amounts[resource] for amounts in self.held.values())


def holdings(one: ClusterHour, allocation_base: str) -> dict[str, Holding]:
    """What was offered and held of a cluster, by instance type and as a whole.

    A pod holds what it requested, or the larger of that and what it used if `allocation_base` is
    `max`, resource by resource. Of the network, which nobody offers, it holds what it moved.
    """
    found: defaultdict[str, Holding] = defaultdict(Holding)
    for node in one.nodes:
        offered = {"cpu": node.cores(), "memory": node.memory_gib(), "gpu": node.gpus()}
        for pool in (node.instance_type or _UNKNOWN, ALL):
            for resource, amount in offered.items():
                found[pool].offered[resource] += amount
    for containers in _by_pod(one.containers):
        label = label_of_namespace(containers[0].namespace)
        held = {**_held(containers, allocation_base), "network": _moved(containers)}
        for pool in (containers[0].instance_type or _UNKNOWN, ALL):
            for resource, amount in held.items():
                found[pool].held[label][resource] += amount
    return dict(found)


def _by_pod(containers: Iterable[Container]) -> Iterator[list[Container]]:
    pods: defaultdict[tuple[str, str, str | None], list[Container]] = defaultdict(list)
    for container in containers:
        pods[container.uid, container.node, container.instance_type].append(container)
    yield from pods.values()


def _held(pod: list[Container], allocation_base: str) -> dict[str, int]:
    requested = {
        "cpu": sum(one.cpu_request for one in pod),
        "memory": sum(one.memory_request for one in pod),
        "gpu": sum(one.gpu_request or 0 for one in pod),
    }
    if allocation_base == "request":
        return requested
    used = {
        "cpu": sum(one.cpu_usage for one in pod),
        "memory": sum(one.memory_usage for one in pod),
        "gpu": sum(one.gpu_usage or 0 for one in pod),
    }
    return {resource: max(requested[resource], used[resource]) for resource in _RESOURCES}


def _moved(pod: list[Container]) -> int:
    return sum((one.received or 0) + (one.transmitted or 0) for one in pod)


def _of_one(resource: str) -> Callable[[Holding], Weights]:
    """What each label held of one resource; what was offered beyond it is free."""

    def weights(holding: Holding) -> Weights:
        idle = max(0, holding.offered[resource] - holding.total(resource))
        return {FREE: idle} | {label: amounts[resource] for label, amounts in holding.held.items()}

    return weights


def _weighted(holding: Holding) -> Weights:
    """What each label held, at AWS's ratios of what the resources are worth.

    Of a resource that was held beyond what was offered, everyone has the part that there was; what
    nobody offered at all counts as it was held.
    """
    prices = _PRICES_WITH_GPUS if holding.offered["gpu"] else _PRICES
    weights: defaultdict[str, Fraction] = defaultdict(Fraction)
    for resource, price in prices.items():
        offered, total = holding.offered[resource], holding.total(resource)
        weights[FREE] += price * max(0, offered - total)
        scale = Fraction(offered, total) if 0 < offered < total else Fraction(1)
        for label, amounts in holding.held.items():
            weights[label] += price * scale * amounts[resource]
    return weights


def _largest(holding: Holding) -> Weights:
    """The largest of the shares that each label held of the resources; the rest is free."""
    weights: dict[str, Fraction] = {}
    for label, amounts in holding.held.items():
        parts = [
            Fraction(amounts[resource], max(holding.offered[resource], holding.total(resource)))
            for resource in _RESOURCES
            if amounts[resource]
        ]
        weights[label] = max(parts, default=Fraction(0))
    return {FREE: max(Fraction(0), 1 - sum(weights.values()))} | weights


def _even(holding: Holding) -> Weights:
    """The same for everyone who ran a pod."""
    return dict.fromkeys(holding.held, 1)


_COST_MODELS: Mapping[str, Callable[[Holding], Weights]] = {
    "cpu": _of_one("cpu"),
    "memory": _of_one("memory"),
    "gpu": _of_one("gpu"),
    "max": _largest,
    "weighted": _weighted,
    "network": _of_one("network"),
    "even": _even,
}


def weights_of(holding: Holding, cost_model: str) -> Weights:
    """What each label weighs in a pool of machines."""
    return _COST_MODELS[cost_model](holding)


def weights_of_volumes(volumes: Iterable[Volume]) -> Weights:
    """What each label claimed of a cluster's volumes; what nobody claimed is free."""
    weights: defaultdict[str, int] = defaultdict(int)
    for volume in volumes:
        label = FREE if volume.namespace is None else label_of_namespace(volume.namespace)
        weights[label] += volume.gib * ONE
    return weights
