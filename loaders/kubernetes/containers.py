"""What containers asked for, on the node where their pod was Running."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from loaders.errors import InfraspendError
from loaders.kubernetes.promql import Window, in_slot
from loaders.kubernetes.readings import Readings, Sums
from loaders.kubernetes.vocabulary import INIT_REQUESTS, PHASE, REQUESTS, Metric, Vocabulary

RESOURCES: Final = ("cpu", "memory", "nvidia_com_gpu")
"""The resources whose requests and capacities count, in cores, bytes and GPUs."""

GPU: Final = "nvidia_com_gpu"

_POD: Final = ("namespace", "pod", "uid")


class PodOnNode(NamedTuple):
    """A pod on a node.

    Attributes:
        namespace: Its namespace.
        pod: Its name, which another pod may bear before and after it.
        uid: Its uid; empty where kube-state-metrics (before 2.1) does not tell.
        node: The node's name; empty where nothing tells.
    """

    namespace: str
    pod: str
    uid: str
    node: str


class Pods:
    """The expressions for a cluster's pods, in its own words."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        phase = vocabulary.get(PHASE)
        if phase is None:
            raise InfraspendError(
                f"cluster {vocabulary.cluster}: {PHASE} has no samples, so that nobody knows which"
                " pods were Running: let kube-state-metrics export it"
            )
        self._vocabulary = vocabulary
        self._phase = phase
        self._place = vocabulary.first("kube_pod_info", REQUESTS, f"{REQUESTS}_cpu_cores")
        self._pod = phase.spelled(*_POD)
        self._uids_agree = self._place is not None and self._tells_uid(phase, self._place)

    @property
    def labels(self) -> tuple[str, ...]:
        """What the labels are called that make a `PodOnNode`."""
        return (*self._pod, self._place.label("node") if self._place else "node")

    def running(self, window: Window, *matchers: str) -> str:
        """1 for every pod that is Running."""
        series = self._phase.series('phase="Running"', *matchers)
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
        # Of two nodes in one slot one counts: with both, the server would refuse the whole query.
        one = f"topk by ({name}) (1, {placed})"
        return f"({running}) * on ({name}) group_left ({self.labels[-1]}) {one}"

    def requests(self, name: str, window: Window) -> str | None:
        """What containers of Running pods ask for, by resource; None if nothing tells.

        Where kube-state-metrics 1 and 2 both tell, as during an upgrade, 2 is heard.
        """
        told = []
        if metric := self._vocabulary.get(name):
            wanted = f'resource=~"{"|".join(RESOURCES)}"'
            told.append(
                f"max by ({_list(self.request_labels(metric))})"
                f" ({in_slot(metric.series(wanted), window)})"
            )
        for resource, suffix in (("cpu", "cpu_cores"), ("memory", "memory_bytes")):
            if metric := self._vocabulary.get(f"{name}_{suffix}"):
                kept = [label for label in self.request_labels(metric) if label != "resource"]
                value = f"max by ({_list(kept)}) ({in_slot(metric.series(), window)})"
                told.append(f'label_replace({value}, "resource", "{resource}", "", "")')
        if not told:
            return None
        same = _list((*self._pod[:2], self._container(name), "resource"))
        running = self.running(window)
        return f"({f' or on ({same}) '.join(told)}) and on ({_list(self._pod)}) ({running})"

    def request_labels(self, metric: Metric) -> tuple[str, ...]:
        """What the labels are called that make a `PodOnNode`, a container and a resource."""
        return (*self._pod, metric.label("node"), metric.label("container"), "resource")

    def _tells_uid(self, *metrics: Metric) -> bool:
        """Whether pods can be joined by their uid.

        kube-state-metrics 1 tells it in `kube_pod_info`, and nowhere else.
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


def effective_requests(
    readings: Readings, pods: Pods, vocabulary: Vocabulary
) -> dict[PodOnNode, dict[str, dict[str, float]]]:
    """What each container asked for, by pod, container and resource, summed over the slots.

    A pod takes as much of a node as its containers together, or as its largest init container if
    that is more: then that one bears the difference. Without any request nothing is told of them.
    """
    requests: dict[PodOnNode, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for key, value in _requests(readings, pods, vocabulary, REQUESTS).items():
        *pod, container, resource = key
        requests[PodOnNode(*pod)][container][resource] = value
    largest: dict[tuple[PodOnNode, str], tuple[float, str]] = {}
    for key, value in _requests(readings, pods, vocabulary, INIT_REQUESTS).items():
        *pod, container, resource = key
        at = PodOnNode(*pod), resource
        largest[at] = max(largest.get(at, (0.0, "")), (value, container))
    for (pod_on_node, resource), (value, container) in largest.items():
        containers = requests[pod_on_node].values()
        together = sum(amounts.get(resource, 0) for amounts in containers)
        if value > together:
            requests[pod_on_node][container][resource] = value - together
    return requests


def _requests(readings: Readings, pods: Pods, vocabulary: Vocabulary, name: str) -> Sums:
    metric = vocabulary.first(name, f"{name}_cpu_cores", f"{name}_memory_bytes")
    if metric is None:
        return {}
    return readings.summed(
        lambda window: pods.requests(name, window) or "", pods.request_labels(metric)
    )


def _list(labels: Sequence[str]) -> str:
    return ", ".join(labels)
