"""The capacity of nodes, and their properties."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from infraspend.loaders.kubernetes.containers import (
    GPU,
    NEURON_CORE,
    NEURON_DEVICES,
    RESOURCES,
    counted_as,
)
from infraspend.loaders.kubernetes.identities import Identities
from infraspend.loaders.kubernetes.promql import Window, exactly, in_slot
from infraspend.loaders.kubernetes.readings import Readings, Sums, most_seen
from infraspend.loaders.kubernetes.vocabulary import Vocabulary

INSTANCE_TYPE: Final = (
    "label_node_kubernetes_io_instance_type",
    "label_beta_kubernetes_io_instance_type",
)
"""The labels with a node's instance type, the newer one first."""

_ZONE: Final = (
    "label_topology_kubernetes_io_zone",
    "label_failure_domain_beta_kubernetes_io_zone",
)
_POOL: Final = (
    "label_karpenter_sh_nodepool",
    "label_karpenter_sh_provisioner_name",
    "label_eks_amazonaws_com_nodegroup",
    "label_alpha_eksctl_io_nodegroup_name",
    "label_kops_k8s_io_instancegroup",
)
_INFO: Final = "kube_node_info"
_PROVIDER_ID: Final = "provider_id"


@dataclass(frozen=True)
class Node:
    """The properties of a node; None if not exported.

    Attributes:
        instance_type: Such as `m5.xlarge`.
        provider_id: Such as `aws:///us-east-1a/i-0123`, which leads to the bill's resource id.
        zone: The availability zone.
        node_pool: The group that it belongs to.
    """

    instance_type: str | None = None
    provider_id: str | None = None
    zone: str | None = None
    node_pool: str | None = None


def describe_nodes(readings: Readings, vocabulary: Vocabulary) -> Mapping[str, Node]:
    """The properties of each node for most of the hour: a name may pass to another machine."""
    labelled = {}
    if metric := vocabulary.get("kube_node_labels"):
        labelled = dict(most_seen(readings.label_sets(metric), [metric.label("node")]))
    informed = {}
    if metric := vocabulary.get("kube_node_info"):
        informed = dict(most_seen(readings.label_sets(metric), [metric.label("node")]))
    nodes = {}
    for key in labelled.keys() | informed.keys():
        labels = labelled.get(key, {})
        provider_id = informed.get(key, {}).get("provider_id") or None
        zone = _first(labels, _ZONE) or _zone_of(provider_id)
        nodes[key[0]] = Node(
            _first(labels, INSTANCE_TYPE), provider_id, zone, _first(labels, _POOL)
        )
    return nodes


def node_slots(readings: Readings, vocabulary: Vocabulary) -> dict[str, float]:
    """In how many slots each node existed."""
    node = vocabulary.capacity.label("node")
    series = vocabulary.node_cpus()
    found = readings.counted(
        lambda window: f"group by ({node}) ({in_slot(series, window)})", [node]
    )
    return {name: slots for (name,), slots in found.items()}


def node_resources(readings: Readings, vocabulary: Vocabulary, what: str) -> Sums | None:
    """The capacity of each node, by node and resource, summed over the slots; None if not exported.

    Args:
        readings: The hour.
        vocabulary: What its metrics are called.
        what: `capacity` or `allocatable`.
    """
    name = f"kube_node_status_{what}"
    if metric := vocabulary.get(name):
        node = metric.label("node")
        series = metric.series(f'resource=~"{RESOURCES}"')
        offered = readings.summed(
            lambda window: f"max by ({node}, resource) ({in_slot(series, window)})",
            [node, "resource"],
        )
        counted: Sums = defaultdict(float)
        neurons: dict[str, float] = {}
        for (who, kind), value in offered.items():
            resource, unit = counted_as(kind)
            if kind in NEURON_DEVICES:
                neurons[who] = max(neurons.get(who, 0), value)
            else:
                counted[who, resource] += value * unit
        # A node's cores are its devices in smaller units.
        for who in [who for who, resource in counted if resource == NEURON_CORE]:
            neurons[who] = neurons.get(who) or counted[who, NEURON_CORE]
        for who, value in neurons.items():
            counted[who, GPU] += value
        return dict(counted)
    sums: Sums = {}
    for resource, suffix in (("cpu", "cpu_cores"), ("memory", "memory_bytes")):
        if metric := vocabulary.get(f"{name}_{suffix}"):
            node = metric.label("node")
            series = metric.series()

            def largest(window: Window, node: str = node, series: str = series) -> str:
                return f"max by ({node}) ({in_slot(series, window)})"

            for (who,), value in readings.summed(largest, [node]).items():
                sums[who, resource] = value
    return sums or None


def devices_per_core(capacity: Sums | None) -> Mapping[str, float]:
    """How many Neuron devices a core is, by node, where pods may request cores."""
    return {
        who: (capacity or {})[who, GPU] / cores
        for (who, resource), cores in (capacity or {}).items()
        if resource == NEURON_CORE and cores > 0
    }


def _first(labels: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((labels[name] for name in names if labels.get(name)), None)


def _zone_of(provider_id: str | None) -> str | None:
    """The zone in `aws:///us-east-1a/i-0123`."""
    if provider_id and provider_id.startswith("aws:///"):
        return provider_id.removeprefix("aws:///").partition("/")[0] or None
    return None


def identities(readings: Readings, vocabulary: Vocabulary) -> Identities:
    """Looks for names that stood for several machines within an hour."""
    metric = vocabulary.get(_INFO)
    if metric is None or _PROVIDER_ID not in metric.labels:
        return Identities()
    node = metric.label("node")
    series = metric.series(f'{_PROVIDER_ID}!=""')
    found: dict[str, set[str]] = defaultdict(set)
    for labels, _ in readings.each(
        lambda window: f"group by ({node}, {_PROVIDER_ID}) ({in_slot(series, window.whole())})"
    ):
        found[labels.get(node, "")].add(labels[_PROVIDER_ID])
    machines: dict[str, dict[int, str]] = {}
    for name, ids in found.items():
        if len(ids) < 2:
            continue
        first_seen = {}
        for provider_id in ids:
            one = metric.series(*exactly({node: name, _PROVIDER_ID: provider_id}))
            if slots := readings.slots_where(partial(_seen, one)):
                first_seen[min(slots)] = provider_id
        if len(first_seen) > 1:
            machines[name] = first_seen
    return Identities(machines)


def _seen(series: str, window: Window) -> str:
    return f"group({in_slot(series, window)})"
