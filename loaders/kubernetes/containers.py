"""What containers requested, on the node where their pod was Running."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.kubernetes.promql import Window, during, exactly, in_slot, one_of, renamed
from infraspend.loaders.kubernetes.readings import Readings, Sums
from infraspend.loaders.kubernetes.vocabulary import (
    INIT_INFO,
    INIT_REQUESTS,
    INSTANCE,
    OVERHEAD,
    PHASE,
    REQUESTS,
    SCHEDULER_REQUESTS,
    STARTED,
    Metric,
    Vocabulary,
)

GPU: Final = "nvidia_com_gpu"
"""The resource that all kinds of GPU are counted as."""

NEURON_CORE: Final = "aws_amazon_com_neuroncore"
"""A core of a Neuron device: the node exports how many make a device, and pods request either."""

NEURON_DEVICES: Final = ("aws_amazon_com_neuron", "aws_amazon_com_neurondevice")
"""The newer and the older name of one resource: a node may offer it under both."""

_GPUS: Final = (GPU, "nvidia_com_gpu_shared", "amd_com_gpu", "habana_ai_gaudi", *NEURON_DEVICES)
_MIG: Final = re.compile(r"nvidia_com_mig_(?:(\d+)c_)?(\d+)g_.*")
_MIG_SLICES: Final = 7

GPU_RESOURCES: Final = "|".join((*_GPUS, NEURON_CORE, "nvidia_com_mig_.+"))
"""A pattern of the resources that are GPUs or parts of one, as kube-state-metrics writes them."""

RESOURCES: Final = f"cpu|memory|{GPU_RESOURCES}"
"""A pattern of the resources whose requests and capacities count, in cores, bytes and GPUs."""

_HAIR: Final = 1e-9
_POD: Final = ("namespace", "pod", "uid")


def counted_as(resource: str) -> tuple[str, float]:
    """Which resource a unit counts as, and how much of it.

    A slice of a GPU (MIG, such as `mig-3g.20gb`, or `mig-1c.3g.20gb`, a part of one) counts by the
    sevenths of the GPU that it computes with; a GPU that pods take turns with
    (`nvidia.com/gpu.shared`) counts in the turns that its node offers.
    """
    if mig := _MIG.fullmatch(resource):
        return GPU, int(mig[1] or mig[2]) / _MIG_SLICES
    return (GPU if resource in _GPUS else resource), 1


class PodOnNode(NamedTuple):
    """A pod on a node.

    Attributes:
        namespace: Its namespace.
        pod: Its name, which another pod may have before and after it.
        uid: Its uid; empty where kube-state-metrics (before 2.1) does not export it.
        node: The node's name; empty if not exported.
    """

    namespace: str
    pod: str
    uid: str
    node: str


class Pods:
    """The expressions for a cluster's pods, with its own names."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        has_replicas: bool = False,
        replicas: Sequence[Sequence[str]] = (),
    ) -> None:
        """Looks up the names of metrics and labels.

        Args:
            vocabulary: The names of the cluster's metrics.
            has_replicas: Whether several exporters export pods, of which one may be stale.
            replicas: The instances of exporters that should export the same and do not.

        Raises:
            InfraspendError: No metric says which pods were Running.
        """
        phase = vocabulary.get(PHASE)
        if phase is None:
            raise InfraspendError(
                f"cluster {vocabulary.cluster}: {PHASE} has no samples, so that nobody knows which"
                " pods were Running: let kube-state-metrics export it"
            )
        self._vocabulary = vocabulary
        self._phase = phase
        self._has_replicas = has_replicas
        self._replicas = replicas
        self._started = vocabulary.get(STARTED)
        self._place = vocabulary.first("kube_pod_info", REQUESTS, f"{REQUESTS}_cpu_cores")
        self._pod = phase.spelled(*_POD)
        self._uids_agree = self._place is not None and self._exports_uid(phase, self._place)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the labels that make a `PodOnNode`."""
        return (*self._pod, self._place.label("node") if self._place else "node")

    def running(self, window: Window, *matchers: str) -> str:
        """1 for every pod that is Running."""
        running = self._in_phase("Running", window, *matchers)
        if not self._has_replicas:
            return running
        # A pod that has ended does not run, whatever a stale replica exports.
        ended = [self._in_phase("Succeeded|Failed", window, *matchers)]
        ended += self._deleted(window, *matchers)
        return f"({running}) unless on ({_list(self._pod)}) ({' or '.join(ended)})"

    def _deleted(self, window: Window, *matchers: str) -> Iterator[str]:
        """A value for every pod that a replica would export if it still existed.

        The replica exports a younger pod, so that this replica is not the stale one.
        """
        if self._started is None:
            return
        who = _list(self._pod)
        for instances in self._replicas:
            any_of = self._started.series(one_of(INSTANCE, instances), *matchers)
            began = f"max by ({who}) ({in_slot(any_of, window)})"
            for instance in instances:
                own = one_of(INSTANCE, [instance])
                newest = f"max({in_slot(self._started.series(own), window)})"
                own_pods = in_slot(self._started.series(own, *matchers), window)
                yield f"({began} < on () group_left () {newest}) unless on ({who}) {own_pods}"

    def on_host_network(self, readings: Readings) -> set[tuple[str, ...]]:
        """Namespace and name of the pods that show the traffic of their node as their own.

        kube-state-metrics before 2.0 does not export this.
        """
        metric = self._vocabulary.get("kube_pod_info")
        if metric is None or "host_network" not in metric.labels:
            return set()
        who = metric.spelled("namespace", "pod")
        return {
            tuple(labels.get(name, "") for name in who)
            for labels, _ in readings.label_sets(metric, 'host_network="true"')
        }

    def _in_phase(self, phases: str, window: Window, *matchers: str) -> str:
        is_one = "=~" if "|" in phases else "="
        series = self._phase.series(f'phase{is_one}"{phases}"', *matchers)
        return f"max by ({_list(self._pod)}) ({in_slot(series, window)}) == 1"

    def on_nodes(self, window: Window, *matchers: str) -> str:
        """1 for every pod that is Running and the node that it is on."""
        running = self.running(window, *matchers)
        if self._place is None:
            return running
        series = self._place.series(f'{self.labels[-1]}!=""', *matchers)
        if self._uids_agree:
            placed = f"group by ({_list(self.labels)}) ({in_slot(series, window)})"
            return f"{placed} and on ({_list(self._pod)}) ({running})"
        name = _list(self._pod[:2])
        placed = f"group by ({name}, {self.labels[-1]}) ({in_slot(series, window)})"
        # If a pod has two nodes in one slot, one counts: with both, the server would refuse the
        # query.
        one = f"topk by ({name}) (1, {placed})"
        return f"({running}) * on ({name}) group_left ({self.labels[-1]}) {one}"

    def requests(self, name: str, window: Window, *matchers: str) -> str | None:
        """What containers of Running pods request, by resource; None if not exported.

        Where kube-state-metrics 1 and 2 both export it, as during an upgrade, 2 is used.
        """
        found = []
        if metric := self._vocabulary.get(name):
            wanted = f'resource=~"{RESOURCES}"'
            found.append(
                f"max by ({_list(self.request_labels(metric))})"
                f" ({in_slot(metric.series(wanted, *matchers), window)})"
            )
        for resource, suffix in (("cpu", "cpu_cores"), ("memory", "memory_bytes")):
            if metric := self._vocabulary.get(f"{name}_{suffix}"):
                kept = [label for label in self.request_labels(metric) if label != "resource"]
                value = f"max by ({_list(kept)}) ({in_slot(metric.series(), window)})"
                found.append(f'label_replace({value}, "resource", "{resource}", "", "")')
        if not found:
            return None
        same = _list((*self._pod[:2], self._container(name), "resource"))
        running = self.running(window)
        return f"({f' or on ({same}) '.join(found)}) and on ({_list(self._pod)}) ({running})"

    def request_labels(self, metric: Metric) -> tuple[str, ...]:
        """The names of the labels that make a `PodOnNode`, a container and a resource."""
        return (*self._pod, metric.label("node"), metric.label("container"), "resource")

    def _exports_uid(self, *metrics: Metric) -> bool:
        """Whether pods can be joined by their uid.

        kube-state-metrics 1 exports it in `kube_pod_info` only.
        """
        is_second = self._vocabulary.get(f"{REQUESTS}_cpu_cores") is None
        return is_second and all(self._pod[2] in metric.labels for metric in metrics)

    def _container(self, name: str) -> str:
        metric = self._vocabulary.first(name, f"{name}_cpu_cores", f"{name}_memory_bytes")
        return metric.label("container") if metric else "container"


def running_slots(readings: Readings, pods: Pods) -> dict[PodOnNode, float]:
    """In how many slots each pod was Running, on each node."""
    found = readings.counted(pods.on_nodes, pods.labels)
    return {PodOnNode(*key): slots for key, slots in found.items()}


def unexported_pods(
    readings: Readings, vocabulary: Vocabulary, usage: Metric
) -> list[tuple[str, str]]:
    """Namespace and name of the pods that ran for half the hour without any phase.

    Args:
        readings: The hour, in slots in which usage is scraped.
        vocabulary: The names of its metrics.
        usage: A metric of containers that kubelets export.
    """
    phase = vocabulary.metrics[PHASE]
    ours = phase.spelled("namespace", "pod")
    theirs = usage.spelled("namespace", "pod", "container")
    series = usage.series(*(f'{label}!=""' for label in theirs), f'{theirs[2]}!="POD"')

    def unexported(window: Window) -> str:
        there = f"group by ({_list(theirs[:2])}) ({in_slot(series, window)})"
        there = renamed(there, dict(zip(theirs, ours, strict=False)))
        exported = f"group by ({_list(ours)}) ({in_slot(phase.series(), window)})"
        return f"{there} unless on ({_list(ours)}) {exported}"

    found = readings.counted(unexported, ours)
    return sorted((key[0], key[1]) for key, slots in found.items() if 2 * slots >= readings.slots)


def effective_requests(
    readings: Readings,
    pods: Pods,
    vocabulary: Vocabulary,
    running: Mapping[PodOnNode, float],
    devices_per_core: Mapping[str, float],
) -> dict[PodOnNode, dict[str, dict[str, float]]]:
    """What each container requested, by pod, container and resource, summed over the slots.

    A pod takes as much of a node as the scheduler reserves: as its containers together, with the
    init containers that keep running beside them (native sidecars), or, if that is more, as its
    largest other init container with those sidecars; then that one gets the difference. The pod's
    overhead, and what kube-scheduler exports beyond all this (requests of a whole pod, since
    Kubernetes 1.34), are in the row of the container without a name. Without any request they have
    no row.

    In which order init containers start is not exported: every sidecar counts as started before,
    unless kube-scheduler exports a smaller request.

    Args:
        readings: The hour.
        pods: The expressions for its pods.
        vocabulary: The names of its metrics.
        running: In how many slots each pod was Running.
        devices_per_core: How many Neuron devices a core is, by node.
    """
    requests: dict[PodOnNode, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    of_containers: dict[tuple[PodOnNode, str], float] = defaultdict(float)
    asked = partial(_requests, readings, pods, vocabulary, devices_per_core)
    for pod, container, resource, value in asked(REQUESTS):
        _add(requests[pod][container], resource, value)
        of_containers[pod, resource] += value
    sidecars = _sidecars(readings, vocabulary)
    largest: dict[tuple[PodOnNode, str], tuple[float, str]] = {}
    for pod, container, resource, value in asked(INIT_REQUESTS):
        if (*pod[:2], container) in sidecars:
            _add(requests[pod][container], resource, value)
        else:
            at = pod, resource
            largest[at] = max(largest.get(at, (0.0, "")), (value, container))
    resized = _resized(readings, vocabulary) if largest else set()
    for (pod, resource), (value, container) in largest.items():
        missing = value - of_containers[pod, resource]
        if (*pod[:2], resource) in resized and pod in running:
            missing = _beyond(readings, pods, pod, resource, value / running[pod])
        if missing > 0:
            requests[pod][container][resource] = missing
    by_uid: dict[tuple[str, ...], PodOnNode] = {pod[:3]: pod for pod in running}
    for resource, suffix in (("cpu", "cpu_cores"), ("memory", "memory_bytes")):
        if metric := vocabulary.get(f"{OVERHEAD}_{suffix}"):
            for key, value in _overhead(readings, pods, metric).items():
                if bearer := by_uid.get(key):
                    _add(requests[bearer][""], resource, value)
    for (pod, resource), value in _reserved(readings, vocabulary, running).items():
        missing = value - _together(requests[pod], resource)
        # A sum of floats is slightly off; no request is that small.
        if missing > _HAIR * value:
            _add(requests[pod][""], resource, missing)
        elif missing < -_HAIR * value and (pod, resource) in largest:
            of_init = requests[pod][largest[pod, resource][1]]
            of_init[resource] = max(0.0, of_init.get(resource, 0) + missing)
    return requests


def _resized(readings: Readings, vocabulary: Vocabulary) -> set[tuple[str, ...]]:
    """Namespace, name and resource of pods that were resized in place, a container at least.

    kube-state-metrics before 2.0 is older than that.
    """
    metric = vocabulary.get(REQUESTS)
    if metric is None:
        return set()
    who = (*metric.spelled("namespace", "pod"), "resource")
    series = metric.series('resource=~"cpu|memory"')
    return {
        tuple(labels.get(name, "") for name in who)
        for labels, _ in readings.each(
            lambda window: (
                f"group by ({_list(who)})"
                f" (changes({during(series, window.end - window.start, window.early)}) > 0)"
            )
        )
    }


def _beyond(readings: Readings, pods: Pods, pod: PodOnNode, resource: str, asked: float) -> float:
    """By how much an init container requests more than a pod's containers, over the slots."""
    who = pods.labels[:3]
    matchers = exactly({**dict(zip(who[:2], pod[:2], strict=True)), "resource": resource})

    def beyond(window: Window) -> str:
        requests = pods.requests(REQUESTS, window, *matchers)
        return f"clamp_min({asked!r} - sum by ({_list(who)}) ({requests}), 0)"

    return readings.summed(beyond, who).get(pod[:3], 0)


def _add(amounts: dict[str, float], resource: str, value: float) -> None:
    amounts[resource] = amounts.get(resource, 0) + value


def _together(containers: Mapping[str, Mapping[str, float]], resource: str) -> float:
    return sum(amounts.get(resource, 0) for amounts in containers.values())


def _sidecars(readings: Readings, vocabulary: Vocabulary) -> set[tuple[str, ...]]:
    """Namespace, pod and container of init containers that keep running.

    Older kube-state-metrics do not export the restart policy of init containers.
    """
    metric = vocabulary.get(INIT_INFO)
    if metric is None or "restart_policy" not in metric.labels:
        return set()
    who = metric.spelled("namespace", "pod", "container")
    return {
        tuple(labels.get(name, "") for name in who)
        for labels, _ in readings.label_sets(metric, 'restart_policy="Always"')
    }


def _overhead(readings: Readings, pods: Pods, metric: Metric) -> Sums:
    """The overhead of Running pods, by namespace, name and uid."""
    who = _list(pods.labels[:3])

    def expression(window: Window) -> str:
        overhead = f"max by ({who}) ({in_slot(metric.series(), window)})"
        return f"{overhead} and on ({who}) ({pods.running(window)})"

    return readings.summed(expression, pods.labels[:3])


def _reserved(
    readings: Readings, vocabulary: Vocabulary, running: Mapping[PodOnNode, float]
) -> dict[tuple[PodOnNode, str], float]:
    """The total requests of pods as kube-scheduler exports them.

    It knows names only and may be scraped less often: its mean counts for every slot in which a
    pod ran. Pods that had the same name in turn are left out.
    """
    metric = vocabulary.get(SCHEDULER_REQUESTS)
    if metric is None:
        return {}
    labels = [*metric.spelled("namespace", "pod"), "resource"]
    series = metric.series('resource=~"cpu|memory"')

    def expression(window: Window) -> str:
        return f"max by ({_list(labels)}) ({in_slot(series, window)})"

    seen = readings.counted(expression, labels)
    bearers = Counter(pod[:2] for pod in running)
    alone = {pod[:2]: pod for pod in running if bearers[pod[:2]] == 1}
    return {
        (pod, key[2]): value / seen[key] * running[pod]
        for key, value in readings.summed(expression, labels).items()
        if (pod := alone.get((key[0], key[1])))
    }


def _requests(
    readings: Readings,
    pods: Pods,
    vocabulary: Vocabulary,
    devices_per_core: Mapping[str, float],
    name: str,
) -> Iterator[tuple[PodOnNode, str, str, float]]:
    """Pod, container and resource, and what is asked for, summed over the slots."""
    metric = vocabulary.first(name, f"{name}_cpu_cores", f"{name}_memory_bytes")
    if metric is None:
        return
    sums = readings.summed(
        lambda window: pods.requests(name, window) or "", pods.request_labels(metric)
    )
    for (*pod, container, kind), value in sums.items():
        resource, unit = counted_as(kind)
        who = PodOnNode(*pod)
        if resource == NEURON_CORE:
            resource, unit = GPU, devices_per_core.get(who.node, 1)
        yield who, container, resource, value * unit


def _list(labels: Sequence[str]) -> str:
    return ", ".join(labels)
