"""Writes what exporters expose, scrape by scrape, as OpenMetrics."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

START = 1793491200
"""2026-11-01 00:00 UTC, where the samples begin."""

INTERVAL = 60
HOUR = range(60)

GIB = 2**30


@dataclass
class Exporter:
    """Samples by family; a family's stand together."""

    families: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(
        self,
        metric: str,
        labels: Mapping[str, str],
        values: Mapping[float, float],
        *,
        shift: float = 0,
    ) -> None:
        """Adds a series.

        Args:
            metric: Its name; a counter's ends with `_total`.
            labels: Its labels.
            values: Scrape -> value, the first scrape being 0.
            shift: How many seconds after the minute it is scraped.
        """
        kind = "counter" if metric.endswith("_total") else "gauge"
        text = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
        for scrape, value in sorted(values.items()):
            at = START + scrape * INTERVAL + shift
            self.families[metric.removesuffix("_total"), kind].append(
                f"{metric}{{{text}}} {_number(value)} {at:.3f}"
            )

    def text(self) -> str:
        """All of it."""
        lines = []
        for (family, kind), samples in self.families.items():
            lines += [f"# TYPE {family} {kind}", *samples]
        return "\n".join([*lines, "# EOF", ""])


@dataclass
class Cluster:
    """A cluster that kube-state-metrics 2 knows.

    Attributes:
        exporter: Where its samples go.
        name: Its name; empty for series without a label `cluster`.
        scrapes: When kube-state-metrics was scraped.
        prefix: What honor_labels = false puts before the names of labels.
        instance: The replica of kube-state-metrics.
    """

    exporter: Exporter
    name: str
    scrapes: Iterable[float] = HOUR
    prefix: str = ""
    instance: str = "ksm-0"
    shift: float = 0

    def node(self, name: str, cpu: float = 16, instance_type: str = "m5.4xlarge") -> None:
        """A node with 4 GiB per core."""
        node = {"node": name}
        for resource, value in (("cpu", cpu), ("memory", cpu * 4 * GIB)):
            self.gauge("kube_node_status_capacity", node | {"resource": resource}, value)
        if instance_type:
            label = {"label_node_kubernetes_io_instance_type": instance_type}
            self.gauge("kube_node_labels", node | label, 1)

    def pod(
        self,
        pod: str,
        namespace: str = "api",
        uid: str = "1",
        node: str = "node-1",
        scrapes: Iterable[float] | None = None,
        running: Iterable[float] | None = None,
        requests: Mapping[str, float] | None = None,
        container: str = "main",
        host_network: bool = False,
    ) -> None:
        """A pod of one container.

        Args:
            pod: Its name.
            namespace: Its namespace.
            uid: Its uid.
            node: Where it is.
            scrapes: When it is there.
            running: When it is Running; whenever it is there by default.
            requests: What it requests.
            container: Its container.
            host_network: Whether it is on the network of its node.
        """
        there = set(self.scrapes if scrapes is None else scrapes) & set(self.scrapes)
        runs = there if running is None else there & set(running)
        who = {
            f"{self.prefix}namespace": namespace,
            f"{self.prefix}pod": pod,
            **({"uid": uid} if uid else {}),
        }
        for phase, when in (("Running", runs), ("Pending", there - runs)):
            values = {scrape: float(scrape in when) for scrape in there}
            self._add("kube_pod_status_phase", who | {"phase": phase}, values)
        info = who | {"node": node, "host_network": str(host_network).lower()}
        self._add("kube_pod_info", info, dict.fromkeys(there, 1))
        for resource, value in (requests or {"cpu": 1.0}).items():
            what = {f"{self.prefix}container": container, "node": node, "resource": resource}
            self._add(
                "kube_pod_container_resource_requests", who | what, dict.fromkeys(there, value)
            )

    def gauge(self, metric: str, labels: Mapping[str, str], value: float) -> None:
        """A series of kube-state-metrics that never changes."""
        self._add(metric, labels, dict.fromkeys(self.scrapes, value))

    def cadvisor(self, metric: str, labels: Mapping[str, str], values: Mapping[int, float]) -> None:
        """A series of the kubelet's."""
        self.exporter.add(metric, self._cluster() | dict(labels) | {"job": "kubelet"}, values)

    def _add(self, metric: str, labels: Mapping[str, str], values: Mapping[int, float]) -> None:
        of = {"job": "kube-state-metrics", "instance": self.instance}
        if self.prefix:
            of |= {"namespace": "monitoring", "pod": self.instance, "container": "ksm"}
        self.exporter.add(metric, self._cluster() | of | dict(labels), values, shift=self.shift)

    def _cluster(self) -> dict[str, str]:
        return {"cluster": self.name} if self.name else {}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}.get(repr(value), repr(value))
