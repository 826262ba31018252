"""What runs in the Kubernetes clusters in an hour: nodes, pods and volumes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from infraspend.simulation.clock import HOURS_OF_A_DAY, is_working_hours, utc
from infraspend.simulation.plan.chance import Chance
from infraspend.simulation.plan.company_clusters import CLUSTERS, Cluster, Volume, Workload
from infraspend.simulation.plan.company_history import is_open, on_average
from infraspend.simulation.plan.company_machines import MIGRATION
from infraspend.simulation.plan.machines import Running, scaled
from infraspend.simulation.units import ONE, TWENTIETHS, share

_GIB_OF_A_NODE_TEN_THOUSANDTHS = 9727  # What the kernel leaves of a machine's nominal memory.

# What goes wrong in the last two days, so that even a short simulation has met it.
_OVER_SUBSCRIBED = ("core-1", utc("2026-11-19T14"))
_NOTHING_REQUESTED = ("core-1", "m5.4xlarge", utc("2026-11-20T03"))
_NODES_WITHOUT_TYPE = (
    ("batch-0", "drivers", utc("2026-11-19"), timedelta(days=1)),
    ("ml-0", "general", utc("2026-11-20T14"), timedelta(hours=3)),
)

# The tracker of a cluster was down: nobody ever saw these hours.
_NOT_TRACKED = ("core-0", utc("2026-11-12T09"), timedelta(hours=6))

_REBUILD = Workload("routing", "rebuild", 40, 40, (("main", 8000, 2048),), "Job")
_RETRAINING = Workload("lyftlearn", "retrain", 1, 1, (("main", 4000, 12288),), "Job", gpus=1)
_ON_NODES_NEVER_SEEN = {
    ("core-0", utc("2026-11-20T05")): _REBUILD,
    ("ml-0", utc("2026-11-20T09")): _RETRAINING,
}


@dataclass(frozen=True, slots=True)
class Node:
    """A node in an hour. `instance_type` is None if the node does not say."""

    name: str
    instance_type: str | None
    machine: Running

    def cores(self) -> int:
        """Core-hours that it offered."""
        return _of_hour(self.machine.machine.instance_type.vcpus * ONE, self.machine.twentieths)

    def memory_gib(self) -> int:
        """GiB-hours that it offered."""
        nominal = self.machine.machine.instance_type.memory_gib * ONE
        usable = share(nominal, _GIB_OF_A_NODE_TEN_THOUSANDTHS, 10_000)
        return _of_hour(usable, self.machine.twentieths)

    def gpus(self) -> int:
        """GPU-hours that it offered."""
        return _of_hour(self.machine.machine.instance_type.gpus * ONE, self.machine.twentieths)


class Container(NamedTuple):
    """A container in an hour, in ten-billionths of hours, core-, GiB- and GPU-hours and GiB.

    None is what nobody measures: GPUs of a container that has none, network twice in a pod.
    """

    node: str
    instance_type: str | None
    namespace: str
    pod: str
    uid: str
    name: str
    running: int
    cpu_request: int
    cpu_usage: int
    memory_request: int
    memory_usage: int
    gpu_request: int | None
    gpu_usage: int | None
    received: int | None
    transmitted: int | None


@dataclass(frozen=True, eq=False)
class Pod:
    """A pod, the same in every hour of its life."""

    namespace: str
    name: str
    uid: str
    workload: Workload


@dataclass(frozen=True, slots=True)
class ClusterHour:
    """All that a usage tracker would see of a cluster in an hour, or in each hour of a day."""

    cluster: Cluster
    hour: datetime
    nodes: list[Node]
    pods: list[Pod]
    containers: list[Container]
    volumes: tuple[Volume, ...]
    hours: int = 1

    @property
    def is_tracked(self) -> bool:
        """Whether the tracker saw it."""
        cluster, since, duration = _NOT_TRACKED
        return not (self.cluster.name == cluster and since <= self.hour < since + duration)


class _Place(NamedTuple):
    """Where a pod runs, and for how much of the hour."""

    node: str
    instance_type: str | None
    twentieths: int


@dataclass(slots=True)
class _Room:
    """Millicores, MiB and GPUs that a node still has for pods."""

    millicores: int
    mib: int
    gpus: int

    @classmethod
    def of(cls, node: Node) -> _Room:
        kind = node.machine.machine.instance_type
        mib = kind.memory_gib * 1024 * _GIB_OF_A_NODE_TEN_THOUSANDTHS // 10_000
        return cls(kind.vcpus * 1000, mib, kind.gpus)

    def take(self, pod: Pod) -> bool:
        """Takes the room that a pod requests, if there is enough."""
        millicores, mib, gpus = pod.workload.requested
        if millicores > self.millicores or mib > self.mib or gpus > self.gpus:
            return False
        self.millicores -= millicores
        self.mib -= mib
        self.gpus -= gpus
        return True


class Clusters:
    """The clusters of the company."""

    def __init__(self, chance: Chance, scale: float) -> None:
        self._chance = chance
        self._scale = scale
        self._known: dict[tuple[object, ...], Pod] = {}

    def of_hour(self, hour: datetime, running: list[Running]) -> list[ClusterHour]:
        """What each cluster did in an hour, on the machines that ran."""
        return [
            self._cluster(cluster, hour, running, self._workloads(cluster, hour))
            for cluster in CLUSTERS
        ]

    def on_day(self, day: datetime, running: list[Running]) -> list[ClusterHour]:
        """What each cluster did in each hour of a day of the history, on the machines that ran."""
        return [
            replace(
                self._cluster(cluster, day, running, self._workloads_on_day(cluster, day)),
                hours=HOURS_OF_A_DAY,
            )
            for cluster in CLUSTERS
            if is_open(cluster, day)
        ]

    def _cluster(
        self,
        cluster: Cluster,
        hour: datetime,
        running: list[Running],
        workloads: Iterator[tuple[Workload, int, int]],
    ) -> ClusterHour:
        nodes = [
            Node(one.machine.node, _said_type(one, hour), one)
            for one in running
            if one.machine.cluster == cluster.name
        ]
        pods: list[Pod] = []
        containers: list[Container] = []
        for pod, place in self._placed(cluster, hour, nodes, workloads):
            pods.append(pod)
            containers.extend(self._containers(hour, pod, place))
        return ClusterHour(cluster, hour, nodes, pods, containers, cluster.volumes)

    def _placed(
        self,
        cluster: Cluster,
        hour: datetime,
        nodes: list[Node],
        workloads: Iterator[tuple[Workload, int, int]],
    ) -> Iterator[tuple[Pod, _Place]]:
        """The pods of an hour where they run: what the day adds goes to the nodes it adds."""
        room = {node.name: _Room.of(node) for node in nodes}
        for workload, count, always in workloads:
            # Machines with GPUs are for pods that ask for one, which wait while there are none.
            fit = [node for node in nodes if bool(node.gpus()) == bool(workload.gpus)]
            usual = [node for node in fit if not node.machine.machine.is_surge] or fit
            added = [node for node in fit if node.machine.machine.is_surge] or fit
            for number in range(count if fit else 0):
                pod = self._pod(cluster, hour, workload, number)
                node = _pick(added if number >= always else usual, pod, room)
                if (cluster.name, node.instance_type, hour) == _NOTHING_REQUESTED:
                    continue
                twentieths = min(workload.minutes * TWENTIETHS // 60, node.machine.twentieths)
                yield pod, _Place(node.name, node.instance_type, twentieths)
        if (cluster.name, hour) in _ON_NODES_NEVER_SEEN:
            pod = self._pod(cluster, hour, _ON_NODES_NEVER_SEEN[cluster.name, hour], 0)
            yield pod, _Place("ip-10-0-0-1.ec2.internal", None, TWENTIETHS // 2)

    def _workloads(self, cluster: Cluster, hour: datetime) -> Iterator[tuple[Workload, int, int]]:
        """The workloads of an hour: how many pods each has, and how many of them it always has."""
        for workload in cluster.workloads:
            if hour.hour in workload.hours:
                count = workload.by_day if is_working_hours(hour) else workload.by_night
                always = min(workload.by_day, workload.by_night)
                yield workload, scaled(count, self._scale), scaled(always, self._scale)
        if cluster.name == MIGRATION.cluster:
            workload = _migrated(hour)
            count = scaled(workload.by_day, self._scale)
            yield workload, count, count
        if (cluster.name, hour) == _OVER_SUBSCRIBED:
            count = scaled(_REBUILD.by_day, self._scale)
            yield _REBUILD, count, count

    def _workloads_on_day(
        self, cluster: Cluster, day: datetime
    ) -> Iterator[tuple[Workload, int, int]]:
        """The same for each hour of a day of the history."""
        migrated = [_migrated(day)] if cluster.name == MIGRATION.cluster else []
        for workload in (*cluster.workloads, *migrated):
            average = on_average(cluster, workload, day)
            count = scaled(average.by_day, self._scale)
            yield average, count, count

    def _pod(self, cluster: Cluster, hour: datetime, workload: Workload, number: int) -> Pod:
        """A pod that is replaced every day; a job's pod lives for its hour."""
        is_job = workload.kind == "Job"
        life = (cluster.name, workload.namespace, workload.name, number)
        known = (*life, hour if is_job else hour.date())
        if known not in self._known:
            key = (*life, f"{hour:%y%m%d%H}" if is_job else f"{hour:%y%m%d}")
            name = f"{workload.name}-{self._chance.hexadecimal(8, 'pod', *key)}-{number}"
            if workload.kind == "StatefulSet":
                name = f"{workload.name}-{number}"
            uid = self._chance.uuid("uid", *key)
            self._known[known] = Pod(workload.namespace, name, uid, workload)
        return self._known[known]

    def _containers(self, hour: datetime, pod: Pod, place: _Place) -> Iterator[Container]:
        running = _of_hour(ONE, place.twentieths)
        percents = self._chance.draw("use", hour, pod.uid)
        for index, (name, millicores, mib) in enumerate(pod.workload.containers):
            cores = share(millicores * ONE, place.twentieths, 1000 * TWENTIETHS)
            gib = share(mib * ONE, place.twentieths, 1024 * TWENTIETHS)
            gpus = _of_hour(pod.workload.gpus * ONE, place.twentieths) if index == 0 else 0
            percents >>= 8
            yield Container(
                node=place.node,
                instance_type=place.instance_type,
                namespace=pod.namespace,
                pod=pod.name,
                uid=pod.uid,
                name=name,
                running=running,
                cpu_request=cores,
                cpu_usage=cores * (20 + percents % 100) // 100,
                memory_request=gib,
                memory_usage=gib * (50 + percents % 50) // 100,
                gpu_request=gpus or None,
                gpu_usage=gpus * (30 + percents % 70) // 100 or None,
                # Containers of a pod share its network; it is counted once.
                received=percents % 4096 * ONE // 1024 if index == 0 else None,
                transmitted=percents % 8192 * ONE // 1024 if index == 0 else None,
            )


def _migrated(hour: datetime) -> Workload:
    """What of the service that is moving runs in its cluster."""
    service = MIGRATION.fleet.service
    moved = MIGRATION.pods * MIGRATION.moved_thousandths(hour) // 1000
    return Workload(service, service, moved, moved, (("app", 3000, 4096),))


def _pick(nodes: list[Node], pod: Pod, room: dict[str, _Room]) -> Node:
    """The first node that has room for a pod, from one drawn by lot; that one if none has."""
    first = int(pod.uid[:8], 16) % len(nodes)
    order = nodes[first:] + nodes[:first]
    return next((node for node in order if room[node.name].take(pod)), order[0])


def _said_type(one: Running, hour: datetime) -> str | None:
    machine = one.machine
    for cluster, group, since, duration in _NODES_WITHOUT_TYPE:
        is_one = (machine.cluster, machine.node_pool) == (cluster, group)
        if is_one and since <= hour < since + duration:
            return None
    return machine.instance_type.name


def _of_hour(amount: int, twentieths: int) -> int:
    return share(amount, twentieths, TWENTIETHS)
