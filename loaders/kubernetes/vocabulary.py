"""The names of a cluster's metrics and labels on its server.

kube-state-metrics renamed its metrics in 2.0. A scrape without `honor_labels` renames the labels of
the pod that a series is about to `exported_pod` and so on, and has the exporter's own in `pod`. Old
kubelets export `pod_name`. So the names are looked up for each cluster, over the requested time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.kubernetes.prometheus import Prometheus
from infraspend.loaders.kubernetes.promql import exactly, literal, selector

CAPACITY: Final = "kube_node_status_capacity"
CAPACITY_V1: Final = "kube_node_status_capacity_cpu_cores"
PHASE: Final = "kube_pod_status_phase"
STARTED: Final = "kube_pod_start_time"
REQUESTS: Final = "kube_pod_container_resource_requests"
INIT_REQUESTS: Final = "kube_pod_init_container_resource_requests"
INIT_INFO: Final = "kube_pod_init_container_info"
OVERHEAD: Final = "kube_pod_overhead"
SCHEDULER_REQUESTS: Final = "kube_pod_resource_request"
CPU_USAGE: Final = "container_cpu_usage_seconds_total"
MEMORY_USAGE: Final = "container_memory_working_set_bytes"
GPU_USAGE: Final = "DCGM_FI_DEV_GPU_UTIL"
VOLUME_CAPACITY: Final = "kube_persistentvolume_capacity_bytes"
NAMESPACE_LABELS: Final = "kube_namespace_labels"
PUSHED: Final = "infraspend_platform_usage"


class ByteCounter(NamedTuple):
    """A counter of bytes that containers, or whole pods, have moved.

    Attributes:
        column: The column of `container_hours` with what was moved in an hour, in GiB.
        metric: The counter.
        part: The label of its series that add up: a network interface, a disk.
        of_pod: Whether it is known of whole pods only.
    """

    column: str
    metric: str
    part: str
    of_pod: bool


BYTE_COUNTERS: Final = (
    ByteCounter(
        "network_receive_gib", "container_network_receive_bytes_total", "interface", of_pod=True
    ),
    ByteCounter(
        "network_transmit_gib", "container_network_transmit_bytes_total", "interface", of_pod=True
    ),
    ByteCounter("disk_read_gib", "container_fs_reads_bytes_total", "device", of_pod=False),
    ByteCounter("disk_write_gib", "container_fs_writes_bytes_total", "device", of_pod=False),
)
"""Those that the tracker collects, all from cAdvisor."""

INSTANCE: Final = "instance"
"""The label of what is scraped: an exporter, or a kubelet and so a node."""

METRICS: Final = (
    *(PHASE, STARTED, REQUESTS, f"{REQUESTS}_cpu_cores", f"{REQUESTS}_memory_bytes"),
    *(INIT_REQUESTS, f"{INIT_REQUESTS}_cpu_cores", f"{INIT_REQUESTS}_memory_bytes"),
    *(INIT_INFO, f"{OVERHEAD}_cpu_cores", f"{OVERHEAD}_memory_bytes", SCHEDULER_REQUESTS),
    *("kube_pod_info", "kube_pod_labels", "kube_pod_owner"),
    *("kube_replicaset_owner", "kube_job_owner", NAMESPACE_LABELS),
    *(CAPACITY, CAPACITY_V1, "kube_node_status_capacity_memory_bytes"),
    *("kube_node_status_allocatable", "kube_node_status_allocatable_cpu_cores"),
    *("kube_node_status_allocatable_memory_bytes", "kube_node_labels", "kube_node_info"),
    *(VOLUME_CAPACITY, "kube_persistentvolume_info"),
    *("kube_persistentvolume_claim_ref", "kube_persistentvolumeclaim_info"),
    *(CPU_USAGE, MEMORY_USAGE, GPU_USAGE),
    *(counter.metric for counter in BYTE_COUNTERS),
    PUSHED,
)
"""Every metric that the tracker can use."""

_CLUSTER_LABEL: Final = "cluster"
_CLUSTERS_NAMED: Final = 10
_OLD_NAMES: Final = {"pod": "pod_name", "container": "container_name"}


@dataclass(frozen=True)
class Metric:
    """A metric of one cluster.

    Attributes:
        name: Its name.
        labels: The names of the labels that its series carry.
        matchers: What selects the cluster's series.
    """

    name: str
    labels: frozenset[str]
    matchers: tuple[str, ...]

    def label(self, name: str) -> str:
        """This metric's name for the label `pod`, `namespace`, `node`... of its subject."""
        if f"exported_{name}" in self.labels:
            return f"exported_{name}"
        old = _OLD_NAMES.get(name)
        return old if old in self.labels and name not in self.labels and old else name

    def spelled(self, *names: str) -> list[str]:
        """The names of some labels here, in the order given."""
        return [self.label(name) for name in names]

    def series(self, *matchers: str) -> str:
        """A selector of the cluster's series of this metric."""
        return selector(self.name, (*self.matchers, *matchers))


@dataclass(frozen=True)
class Vocabulary:
    """The metrics that a cluster has.

    Attributes:
        cluster: The cluster's name.
        matchers: What selects the cluster's series.
        metrics: Name -> metric, for those of `METRICS` that are there.
    """

    cluster: str
    matchers: tuple[str, ...]
    metrics: Mapping[str, Metric]

    def get(self, name: str) -> Metric | None:
        """A metric, if it is there."""
        return self.metrics.get(name)

    def first(self, *names: str) -> Metric | None:
        """The first of some metrics that is there."""
        return next((self.metrics[name] for name in names if name in self.metrics), None)

    @property
    def has_cluster(self) -> bool:
        """Whether there are samples of any node."""
        return self.first(CAPACITY, CAPACITY_V1) is not None

    @property
    def capacity(self) -> Metric:
        """The metric that every scrape of the cluster has: the capacity of its nodes.

        Raises:
            InfraspendError: It is missing, so that nothing can be known of the cluster.
        """
        found = self.first(CAPACITY, CAPACITY_V1)
        if found is None:
            raise InfraspendError(
                f"cluster {self.cluster}: {CAPACITY} has no samples"
                f" {{{','.join(self.matchers)}}}: is kube-state-metrics scraped, and is this the"
                " cluster's name? `infraspend doctor --prometheus URL` says what is there"
            )
        return found

    def node_cpus(self) -> str:
        """A selector of one series per node that exists: its CPU capacity."""
        metric = self.capacity
        return metric.series() if metric.name == CAPACITY_V1 else metric.series('resource="cpu"')


def clusters_of(prometheus: Prometheus, first: int, last: int) -> frozenset[str]:
    """The values of the label `cluster` among a server's nodes over a span of time.

    Raises:
        ServerError: The server does not answer.
    """
    # Name by name: Google's Managed Service for Prometheus refuses a pattern of metrics' names.
    return frozenset().union(
        *(
            prometheus.label_values(_CLUSTER_LABEL, name, first, last)
            for name in (CAPACITY, CAPACITY_V1)
        )
    )


def cluster_matchers(
    prometheus: Prometheus, cluster: str, match: Mapping[str, str] | None, first: int, last: int
) -> tuple[str, ...]:
    """What selects a cluster's series on a server.

    Args:
        prometheus: The server.
        cluster: The cluster's name.
        match: Labels and values that its series carry; None to find out. Then they are those
            whose label `cluster` is its name or, where no series has that label, all.
        first: Where the time to look at starts, in seconds since 1970.
        last: Where it ends.

    Raises:
        InfraspendError: The server has several clusters' series, but none of that name.
        ServerError: The server does not answer.
    """
    if match is not None:
        return tuple(exactly(match))
    clusters = clusters_of(prometheus, first, last)
    if cluster in clusters:
        return (f"{_CLUSTER_LABEL}={literal(cluster)}",)
    if clusters:
        some = sorted(clusters)[:_CLUSTERS_NAMED]
        there = ", ".join(map(literal, some)) + (", ..." if len(clusters) > len(some) else "")
        raise InfraspendError(
            f"cluster {cluster}: no series has {_CLUSTER_LABEL}={literal(cluster)}, only"
            f" {there}: name one of those, or say with `match` in the"
            " configuration file which labels its series carry"
        )
    return ()


def learn(
    prometheus: Prometheus, cluster: str, matchers: Sequence[str], first: int, last: int
) -> Vocabulary:
    """Looks up the names of a cluster's metrics and labels over a span of time.

    Args:
        prometheus: The server.
        cluster: The cluster's name.
        matchers: What selects its series.
        first: Where the time starts, in seconds since 1970.
        last: Where it ends.

    Raises:
        ServerError: The server does not answer.
    """
    metrics = {}
    for name in METRICS:
        if labels := prometheus.label_names(selector(name, matchers), first, last):
            metrics[name] = Metric(name, labels, tuple(matchers))
    return Vocabulary(cluster, tuple(matchers), metrics)
