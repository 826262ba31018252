"""Measures an hour of a cluster, as the rows of a collection.

Amounts are means over the hour's scrapes times one hour. The scrapes are those of the exporter of
an object (`shards`), and not the pod's own: a pod that has ended is no gap. The numerator and the
denominator of a share come from the same scrapes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from infraspend.loaders.kubernetes.containers import (
    GPU,
    GPU_RESOURCES,
    PodOnNode,
    Pods,
    effective_requests,
    running_slots,
    unexported_pods,
)
from infraspend.loaders.kubernetes.identities import name_of
from infraspend.loaders.kubernetes.nodes import (
    Node,
    describe_nodes,
    devices_per_core,
    identities,
    node_resources,
    node_slots,
)
from infraspend.loaders.kubernetes.prometheus import Prometheus
from infraspend.loaders.kubernetes.promql import HOUR_SECONDS, Window
from infraspend.loaders.kubernetes.quarantine import (
    GIB,
    MOST_BYTES,
    MOST_CORES,
    MOST_GPUS,
    Believable,
    Quarantine,
    amount,
    described,
    unbelievable_series,
    unbelievable_slots,
)
from infraspend.loaders.kubernetes.readings import Readings, Sums
from infraspend.loaders.kubernetes.shards import Shards
from infraspend.loaders.kubernetes.spelling import spelled
from infraspend.loaders.kubernetes.usage import MEASURES, Measure, measure_usage
from infraspend.loaders.kubernetes.vocabulary import (
    CAPACITY,
    CPU_USAGE,
    INIT_REQUESTS,
    MEMORY_USAGE,
    PHASE,
    REQUESTS,
    Metric,
    Vocabulary,
)
from infraspend.loaders.kubernetes.volumes import measure_volumes
from infraspend.loaders.kubernetes.workloads import PodFacts, namespace_labels

Row = dict[str, Any]

_EXAMPLES: Final = 3

_CAPACITIES: Final = (
    # Resource, the column's name around `capacity` or `allocatable`, bytes per unit, limit.
    ("cpu", "cpu_{}_core_hours", 1, MOST_CORES),
    ("memory", "memory_{}_gib_hours", GIB, MOST_BYTES / GIB),
    (GPU, "gpu_{}_gpu_hours", 1, MOST_GPUS),
)
_REQUESTS: Final = (
    ("cpu", "cpu_request_core_hours", 1, MOST_CORES),
    ("memory", "memory_request_gib_hours", GIB, MOST_BYTES / GIB),
    (GPU, "gpu_request_gpu_hours", 1, MOST_GPUS),
)


@dataclass
class Hour:
    """An hour of a cluster.

    Attributes:
        start: Its first second, plain UTC.
        samples: In how many slots the cluster was scraped and all values were valid; with several
            shards their average, or that of a shard that was down for most of the hour. If a shard
            was down all hour, this is scaled by the share of the pods that are exported.
        expected_samples: How many slots the hour has.
        tables: Table -> rows.
    """

    start: datetime
    samples: int
    expected_samples: int
    tables: dict[str, list[Row]] = field(default_factory=dict)


def measure_hour(
    prometheus: Prometheus,
    vocabulary: Vocabulary,
    start: int,
    slot: int,
    pod_labels: Sequence[str] | None = None,
    *,
    early: int = 0,
    usage_slots: Mapping[str, int] | None = None,
) -> Hour:
    """Measures an hour.

    Args:
        prometheus: Where its samples are.
        vocabulary: The names of the cluster's metrics.
        start: The hour's first second since 1970.
        slot: The length of a slot in seconds; see `promql.slot_seconds`.
        pod_labels: The pod labels to keep, as Kubernetes writes them; None keeps all.
        early: How many seconds before the hour its slots begin; see `scraping.Rhythm`.
        usage_slots: The slots of metrics of usage that are scraped less often than the cluster's
            nodes and pods.

    Returns:
        The hour; without rows other than rejects if there was no believable scrape.

    Raises:
        InfraspendError: The cluster's metrics are not enough to know anything.
        ServerError: The server's answer was not complete.
    """
    window = Window(start, start + HOUR_SECONDS, slot, early)
    quarantine = Quarantine()
    whole = Readings(prometheus, [window])
    vocabulary, switched = spelled(whole, vocabulary)
    left_out = _left_out(whole, vocabulary, quarantine)
    for name, slots in switched.items():
        left_out |= slots
        quarantine.reasons.append(
            f"the labels of {name} were spelled in another way in {len(slots)} of {window.slots}"
            " scrapes, which are left out: honor_labels was switched within the hour"
        )
    machines = identities(whole, vocabulary)
    readings = Readings(prometheus, window.without(left_out), machines)
    scrapes = cluster_scrapes(readings, vocabulary)
    shards = Shards(readings, vocabulary, scrapes)
    quarantine.reasons += [
        f"{instances}, a shard of kube-state-metrics, was scraped in {slots} of {window.slots}"
        " slots"
        for instances, slots in shards.away.items()
    ]
    hour = Hour(
        datetime.fromtimestamp(start, UTC).replace(tzinfo=None), shards.samples, window.slots
    )
    if scrapes:
        by_slot = {
            seconds: Readings(prometheus, [Window(start, start + HOUR_SECONDS, seconds)], machines)
            for seconds in set((usage_slots or {}).values())
        }
        usage = {name: by_slot[seconds] for name, seconds in (usage_slots or {}).items()}
        measurement = _Measurement(hour, vocabulary, readings, shards, quarantine, usage)
        hour.tables = measurement.tables(pod_labels)
        hour.tables["scrape_hours"] = [
            measurement.row(samples=hour.samples, expected_samples=window.slots)
        ]
    hour.tables["rejects"] = [
        {"usage_hour": hour.start, "cluster": vocabulary.cluster, "reason": reason}
        for reason in quarantine.reasons
    ]
    return hour


def cluster_scrapes(readings: Readings, vocabulary: Vocabulary) -> int:
    """In how many slots any node of the cluster was exported."""
    capacity = vocabulary.capacity
    matchers = ['resource="cpu"'] if capacity.name == CAPACITY else []
    return readings.slots_with(capacity, *matchers)


def _left_out(whole: Readings, vocabulary: Vocabulary, quarantine: Quarantine) -> set[int]:
    """The slots in which a phase, request or capacity was no measurement."""
    believable = list(_to_be_believed(vocabulary))
    blamed = list(unbelievable_series(whole, believable))
    if not blamed:
        return set()
    # Each slot once, however many of its series are invalid.
    slots = unbelievable_slots(whole, list(dict.fromkeys(one for one, _, _ in blamed)))
    for one, labels, value in blamed:
        quarantine.reasons.append(
            f"{described(one.series, labels)} is {value:g}, which is no measurement: the"
            f" {len(slots)} of {whole.slots} scrapes with such values are left out"
        )
    return slots


def _to_be_believed(vocabulary: Vocabulary) -> Iterator[Believable]:
    if phase := vocabulary.get(PHASE):
        yield Believable(phase.series('phase="Running"'), 1)
    for name in (REQUESTS, INIT_REQUESTS, CAPACITY):
        if metric := vocabulary.get(name):
            yield from _by_resource(metric)
        for suffix, most in (("cpu_cores", MOST_CORES), ("memory_bytes", MOST_BYTES)):
            if metric := vocabulary.get(f"{name}_{suffix}"):
                yield Believable(metric.series(), most)


def _by_resource(metric: Metric) -> Iterator[Believable]:
    yield Believable(metric.series(f'resource=~"cpu|{GPU_RESOURCES}"'), MOST_CORES)
    yield Believable(metric.series('resource="memory"'), MOST_BYTES)


class _Measurement:
    """An hour that was scraped at least once."""

    def __init__(
        self,
        hour: Hour,
        vocabulary: Vocabulary,
        readings: Readings,
        shards: Shards,
        quarantine: Quarantine,
        usage: Mapping[str, Readings],
    ) -> None:
        self._hour = hour
        self._vocabulary = vocabulary
        self._readings = readings
        self._shards = shards
        self._quarantine = quarantine
        self._usage = usage
        self._there = {
            name: slots / shards.scrapes(name)
            for name, slots in node_slots(readings, vocabulary).items()
        }

    def row(self, **values: object) -> Row:
        """A row of this hour and cluster."""
        return {"usage_hour": self._hour.start, "cluster": self._vocabulary.cluster, **values}

    def tables(self, pod_labels: Sequence[str] | None) -> dict[str, list[Row]]:
        """Every table's rows except those of `scrape_hours`."""
        nodes = describe_nodes(self._readings, self._vocabulary)
        pods = Pods(
            self._vocabulary,
            has_replicas=self._shards.are_several,
            replicas=self._shards.replicas,
        )
        running = self._named(running_slots(self._readings, pods))
        resources = {
            what: node_resources(self._readings, self._vocabulary, what)
            for what in ("capacity", "allocatable")
        }
        per_core = devices_per_core(resources["capacity"])
        tables = {
            "container_hours": list(self._containers(pods, running, nodes, per_core)),
            "node_hours": list(self._nodes(nodes, resources)),
            "volume_hours": list(self._volumes()),
            "pods": list(self._pods(running, pod_labels)),
            "namespaces": [
                self.row(namespace=namespace, labels=labels)
                for namespace, labels in namespace_labels(self._readings, self._vocabulary).items()
            ],
        }
        self._scale_by_exported(running)
        return tables

    def _containers(
        self,
        pods: Pods,
        running: dict[PodOnNode, float],
        nodes: Mapping[str, Node],
        per_core: Mapping[str, float],
    ) -> Iterator[Row]:
        requests = effective_requests(self._readings, pods, self._vocabulary, running, per_core)
        usage = self._used(pods, running)
        hosts = pods.on_host_network(self._readings)
        for measure, used in usage.items():
            if measure.of_pod:
                usage[measure] = {key: one for key, one in used.items() if key[0][:2] not in hosts}
        containers: dict[PodOnNode, set[str]] = {pod: set(requests.get(pod, ())) for pod in running}
        for measure, used in usage.items():
            if not measure.of_pod:
                for pod, container in used:
                    containers[pod].add(container)
        for pod, slots in sorted(running.items()):
            node = nodes.get(pod.node, Node())
            scrapes = self._shards.scrapes(*pod[:3])
            for number, container in enumerate(sorted(containers[pod]) or [""]):
                row = self.row(
                    **pod._asdict(),
                    instance_type=node.instance_type,
                    provider_id=node.provider_id,
                    container=container,
                    running_hours=amount(slots / scrapes),
                )
                row["node"] = name_of(pod.node) or None
                asked = requests.get(pod, {}).get(container, {})
                for resource, column, unit, most in _REQUESTS if requests else ():
                    row[column] = self._quarantine.amount(
                        asked.get(resource, 0) / scrapes / unit,
                        most,
                        f"{column} of {_who(row)}",
                    )
                for measure, used in usage.items():
                    # Measures of a whole pod are in the row of its first container.
                    key = (pod, "" if measure.of_pod else container)
                    if key in used and not (measure.of_pod and number):
                        row[measure.column] = self._quarantine.amount(
                            used[key], measure.most, f"{measure.column} of {_who(row)}"
                        )
                yield row

    def _used(
        self, pods: Pods, running: Mapping[PodOnNode, float]
    ) -> dict[Measure, dict[tuple[PodOnNode, str], float]]:
        """What was used, measure by measure; targets that were scraped too seldom are named."""
        usage = {}
        missed: dict[str, list[str]] = {}
        for measure in MEASURES:
            readings = self._usage.get(measure.metric, self._readings)
            use = measure_usage(
                readings,
                pods,
                self._vocabulary,
                running,
                measure,
                self._there,
                self._shards.scrapes() / self._readings.slots,
            )
            usage[measure] = use.amounts
            for target, scrapes in use.missed.items():
                gap = f"{measure.column} ({scrapes:g} of {readings.slots} scrapes)"
                missed.setdefault(target, []).append(gap)
        self._quarantine.reasons += [
            f"{target or 'what measures use'} was scraped too seldom, so that the use of its pods"
            f" is not known: {', '.join(gaps)}"
            for target, gaps in sorted(missed.items())
        ]
        return usage

    def _named(self, running: dict[PodOnNode, float]) -> dict[PodOnNode, float]:
        """The pods that have a namespace and a name; the others are reported and left out."""
        named = {pod: slots for pod, slots in running.items() if pod.namespace and pod.pod}
        if nameless := len(running) - len(named):
            phase = self._vocabulary.metrics[PHASE]
            labels = " and ".join(phase.spelled("namespace", "pod"))
            self._quarantine.reasons.append(
                f"{nameless} pods have no {labels} and are left out: kube-state-metrics is scraped"
                " both with and without honor_labels, or its labels are dropped; scrape it once,"
                " with honor_labels: true"
            )
        return named

    def _scale_by_exported(self, running: Mapping[PodOnNode, float]) -> None:
        """Scales the hour's coverage by the share of its pods that kube-state-metrics exports.

        Kubelets export pods that kube-state-metrics does not if one of its shards was down all
        hour. Namespaces that it does not watch at all do not count.
        """
        usage = self._vocabulary.first(CPU_USAGE, MEMORY_USAGE)
        if usage is None or usage.label("pod") not in usage.labels:
            return
        readings = self._usage.get(usage.name, self._readings)
        watched = {pod.namespace for pod in running}
        unexported = [
            pod
            for pod in unexported_pods(readings, self._vocabulary, usage)
            if pod[0] in watched or not watched
        ]
        if unexported:
            exported = len({pod[:2] for pod in running})
            self._hour.samples = round(self._hour.samples * exported / (exported + len(unexported)))
            some = ", ".join("/".join(pod) for pod in unexported[:_EXAMPLES])
            self._quarantine.reasons.append(
                f"{len(unexported)} pods that kubelets report have no {PHASE} and are left out"
                f" ({some}{', ...' if len(unexported) > _EXAMPLES else ''}): a shard of"
                " kube-state-metrics was down, or does not watch them"
            )

    def _nodes(
        self, nodes: Mapping[str, Node], resources: Mapping[str, Sums | None]
    ) -> Iterator[Row]:
        for name, there in sorted(self._there.items()):
            scrapes = self._shards.scrapes(name)
            row = self.row(
                node=name_of(name), running_hours=amount(there), **vars(nodes.get(name, Node()))
            )
            for what, sums in resources.items():
                for resource, column, unit, most in _CAPACITIES if sums is not None else ():
                    row[column.format(what)] = self._quarantine.amount(
                        (sums or {}).get((name, resource), 0) / scrapes / unit,
                        most,
                        f"{column.format(what)} of node {name_of(name)}",
                    )
            yield row

    def _volumes(self) -> Iterator[Row]:
        for volume in sorted(measure_volumes(self._readings, self._vocabulary)):
            values = volume._asdict()
            byte_slots = values.pop("byte_slots")
            values["volume"] = values.pop("name")
            gib_hours = byte_slots / self._shards.scrapes(volume.name) / GIB
            yield self.row(
                **values,
                capacity_gib_hours=self._quarantine.amount(
                    gib_hours, MOST_BYTES / GIB, f"capacity_gib_hours of volume {volume.name}"
                ),
            )

    def _pods(
        self, running: dict[PodOnNode, float], pod_labels: Sequence[str] | None
    ) -> Iterator[Row]:
        facts = PodFacts(self._readings, self._vocabulary, pod_labels)
        for pod in sorted({pod[:3] for pod in running}):
            workload = facts.workload(pod)
            yield self.row(
                namespace=pod[0],
                pod=pod[1],
                uid=pod[2],
                workload_kind=workload.kind,
                workload_name=workload.name,
                labels=facts.labels(pod),
            )


def _who(row: Row) -> str:
    return f"{row['namespace']}/{row['pod']}/{row['container']}"
