"""Reports what a server lacks for its clusters' usage to be tracked, and what to change."""

import time
from collections.abc import Iterator, Sequence
from typing import Final

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.findings import Finding, Level
from infraspend.loaders.kubernetes.labels import KNOWN, label_key
from infraspend.loaders.kubernetes.nodes import INSTANCE_TYPE
from infraspend.loaders.kubernetes.prometheus import Access, Prometheus
from infraspend.loaders.kubernetes.promql import during, literal
from infraspend.loaders.kubernetes.scraping import scrape_interval
from infraspend.loaders.kubernetes.sources import Source, source_at
from infraspend.loaders.kubernetes.vocabulary import (
    CAPACITY,
    CAPACITY_V1,
    CPU_USAGE,
    GPU_USAGE,
    INIT_INFO,
    INIT_REQUESTS,
    MEMORY_USAGE,
    NAMESPACE_LABELS,
    OVERHEAD,
    PHASE,
    PUSHED,
    REQUESTS,
    SCHEDULER_REQUESTS,
    VOLUME_CAPACITY,
    Metric,
    Vocabulary,
    cluster_matchers,
    clusters_of,
    learn,
)
from infraspend.loaders.result import Progress, silent

_LOOK_BACK_SECONDS: Final = 86_400
_EXAMPLES: Final = 3
_MOST_OF_IT: Final = 0.9


def diagnose_sources(
    sources: Sequence[Source], *, at: int | None = None, progress: Progress = silent
) -> list[Finding]:
    """Inspects a day of the metrics of each source; one that does not answer stops no other.

    Args:
        sources: The clusters and where their metrics are.
        at: The end of that day, in seconds since 1970; now by default.
        progress: Gets a line about each step.
    """
    last = at or int(time.time())
    first = last - _LOOK_BACK_SECONDS
    findings: list[Finding] = []
    for source in sources:
        progress(source.cluster)
        prometheus = Prometheus(source.access)
        try:
            matchers = cluster_matchers(prometheus, source.cluster, source.match, first, last)
            vocabulary = learn(prometheus, source.cluster, matchers, first, last)
            findings += _cluster_findings(prometheus, vocabulary, first, last)
        except InfraspendError as error:
            findings.append(Finding(source.cluster, str(error), Level.ERROR))
    return findings


def diagnose(
    server: str | Access, *, at: int | None = None, progress: Progress = silent
) -> list[Finding]:
    """Inspects a day of a server's metrics.

    Args:
        server: The server: its address, or how to reach it.
        at: The end of that day, in seconds since 1970; now by default.
        progress: Gets a line about each step.

    Returns:
        What was found, the server first, then cluster by cluster.

    Raises:
        InfraspendError: The server does not answer.
    """
    access = source_at(server, "any").access if isinstance(server, str) else server
    prometheus = Prometheus(access)
    last = at or int(time.time())
    first = last - _LOOK_BACK_SECONDS
    clusters = clusters_of(prometheus, first, last)
    findings = []
    if not clusters:
        findings.append(
            Finding(
                "",
                "no series has a label `cluster`: good for one cluster, whose name --cluster says;"
                " with several, set `external_labels` (or a relabelling) to distinguish them",
                Level.NOTE,
            )
        )
    elif any(
        prometheus.label_names(f'{name}{{cluster=""}}', first, last)
        for name in (CAPACITY, CAPACITY_V1)
    ):
        findings.append(
            Finding(
                "",
                "some series have a label `cluster` and some have none: those without belong to no"
                " cluster and are not counted; set the label on every scrape",
                Level.ERROR,
            )
        )
    for cluster in sorted(clusters) or [""]:
        progress(cluster or "all series")
        matchers = [f"cluster={literal(cluster)}"] if cluster else []
        vocabulary = learn(prometheus, cluster, matchers, first, last)
        findings += _cluster_findings(prometheus, vocabulary, first, last)
    return findings


def _cluster_findings(
    prometheus: Prometheus, vocabulary: Vocabulary, first: int, last: int
) -> Iterator[Finding]:
    name = vocabulary.cluster

    def good(text: str) -> Finding:
        return Finding(name, text)

    def problem(text: str) -> Finding:
        return Finding(name, text, Level.ERROR)

    if not vocabulary.has_cluster:
        yield problem(f"{CAPACITY} has no samples: is kube-state-metrics scraped?")
        return
    interval = scrape_interval(prometheus, vocabulary.node_cpus(), first, last)
    if interval is None:
        yield problem(f"{CAPACITY} has no two samples in a day: is kube-state-metrics scraped?")
    else:
        yield good(f"scraped every {interval} s")
    phase = vocabulary.get(PHASE)
    if phase is None:
        yield problem(f"{PHASE} is missing: take it off kube-state-metrics' --metric-denylist")
    elif not prometheus.instant(_count(phase.series('phase="Running"')), last):
        yield problem(f"{PHASE} has no phase Running: do not drop it by relabelling")
    else:
        yield good(f"{PHASE} shows which pods are Running")
        yield from _spelling(prometheus, vocabulary, last)
    if vocabulary.get(REQUESTS):
        generation = "2" if phase and "uid" in phase.labels else "1, or 2.0"
        yield good(f"kube-state-metrics {generation}: {REQUESTS}")
    elif vocabulary.first(f"{REQUESTS}_cpu_cores"):
        yield good(f"kube-state-metrics 1: {REQUESTS}_cpu_cores and _memory_bytes")
    else:
        yield problem(f"{REQUESTS} is missing, so that no requests are known: have it exported")
    yield from _reserved(vocabulary)
    yield from _labels(vocabulary)
    yield from _others(vocabulary)
    yield from _kubelets(prometheus, vocabulary, interval, first, last)


def _spelling(prometheus: Prometheus, vocabulary: Vocabulary, last: int) -> Iterator[Finding]:
    """Which labels name a pod, and whether a target is scraped twice."""
    phase = vocabulary.metrics[PHASE]
    namespace, pod, uid = phase.spelled("namespace", "pod", "uid")
    note = "" if pod == "pod" else ": honor_labels is off, which the tracker allows for"
    yield Finding(vocabulary.cluster, f"pods are named by {namespace} and {pod}{note}")
    running = _day(phase.series('phase="Running"'))
    replicas = prometheus.instant(
        f"max(count by ({namespace}, {pod}, {uid}) (count_over_time({running})))", last
    )
    copies = round(replicas[0][1]) if replicas else 0
    if copies > 1:
        yield Finding(
            vocabulary.cluster,
            f"pods are scraped by up to {copies} replicas, which the tracker folds into one",
        )


def _reserved(vocabulary: Vocabulary) -> Iterator[Finding]:
    """What the scheduler reserves beyond the requests of containers, as far as it is exported."""
    inits = vocabulary.get(INIT_INFO)
    has_policy = inits is not None and "restart_policy" in inits.labels
    scheduler = vocabulary.get(SCHEDULER_REQUESTS)
    for what, lost in (
        (
            vocabulary.first(INIT_REQUESTS, f"{INIT_REQUESTS}_cpu_cores"),
            f"{INIT_REQUESTS} is missing: what init containers and native sidecars request is not"
            " known",
        ),
        (
            has_policy,
            f"{INIT_INFO} has no restart policy: native sidecars count as init containers",
        ),
        (
            vocabulary.first(f"{OVERHEAD}_cpu_cores", f"{OVERHEAD}_memory_bytes"),
            f"{OVERHEAD}_cpu_cores is missing: what a runtime class adds to a pod is not known",
        ),
    ):
        if not what and not scheduler:
            yield Finding(vocabulary.cluster, lost, Level.NOTE)
    if scheduler:
        yield Finding(vocabulary.cluster, f"{SCHEDULER_REQUESTS}: what kube-scheduler reserves")
    else:
        yield Finding(
            vocabulary.cluster,
            f"{SCHEDULER_REQUESTS} is missing: requests of a whole pod (Kubernetes"
            " 1.34) is not known; scrape kube-scheduler's /metrics/resources",
            Level.NOTE,
        )


def _labels(vocabulary: Vocabulary) -> Iterator[Finding]:
    """Labels that must be allow-listed since kube-state-metrics 2."""
    nodes = vocabulary.get("kube_node_labels")
    found = [name for name in INSTANCE_TYPE if nodes and name in nodes.labels]
    if found:
        yield Finding(vocabulary.cluster, f"instance types are in {' and '.join(found)}")
    else:
        yield Finding(
            vocabulary.cluster,
            "kube_node_labels has no instance type, so that all capacity is one pool `unknown`:"
            " start kube-state-metrics with --metric-labels-allowlist=nodes=["
            "node.kubernetes.io/instance-type,topology.kubernetes.io/zone]",
            Level.ERROR,
        )
    pods = vocabulary.get("kube_pod_labels")
    names = sorted(name for name in pods.labels if name.startswith("label_")) if pods else []
    if names:
        shown = ", ".join(names[:_EXAMPLES]) + (", ..." if len(names) > _EXAMPLES else "")
        yield Finding(vocabulary.cluster, f"{len(names)} pod labels are exported: {shown}")
        exported = {label_key(name.removeprefix("label_")) for name in names}
        known = [
            f"{label} ({what})" for label, what in KNOWN.items() if label_key(label) in exported
        ]
        if known:
            yield Finding(vocabulary.cluster, f"known pod labels: {', '.join(known)}")
        lacking = [label for label in KNOWN if label_key(label) not in exported]
        if lacking:
            yield Finding(
                vocabulary.cluster,
                f"known pod labels that are not exported: {', '.join(lacking)}; where pods carry"
                " them, add them to kube-state-metrics' --metric-labels-allowlist=pods=[...]",
                Level.NOTE,
            )
    else:
        yield Finding(
            vocabulary.cluster,
            "no pod label is exported, which rules on pod_label need:"
            " --metric-labels-allowlist=pods=[app.kubernetes.io/name]",
            Level.NOTE,
        )


def _others(vocabulary: Vocabulary) -> Iterator[Finding]:
    """Optional metrics."""
    for name, use in (
        ("kube_pod_info", "the nodes of pods that request nothing"),
        ("kube_pod_owner", "workloads"),
        (NAMESPACE_LABELS, "the labels of namespaces, which rules on namespace_label need"),
        ("kube_node_info", "the resource ids of nodes on the bill"),
        (CPU_USAGE, "CPU usage"),
        (MEMORY_USAGE, "memory usage"),
        (GPU_USAGE, "GPU usage"),
        (VOLUME_CAPACITY, "volumes"),
        (PUSHED, "usage that platforms push"),
    ):
        metric = vocabulary.get(name)
        if metric is None:
            yield Finding(
                vocabulary.cluster, f"{name} is missing: {use} will not be known", Level.NOTE
            )
        elif name == "kube_pod_info" and "host_network" not in metric.labels:
            yield Finding(
                vocabulary.cluster,
                f"{name} has no host_network: pods on the network of their node count with all of"
                " its traffic; take kube-state-metrics 2",
                Level.NOTE,
            )
        elif name == GPU_USAGE and metric.label("pod") not in metric.labels:
            yield Finding(
                vocabulary.cluster,
                f"{name} names no pod: GPU usage will not be known; start dcgm-exporter with"
                " --kubernetes=true",
                Level.NOTE,
            )
        else:
            yield Finding(vocabulary.cluster, f"{name}: {use}")


def _kubelets(
    prometheus: Prometheus, vocabulary: Vocabulary, interval: int | None, first: int, last: int
) -> Iterator[Finding]:
    """How often CPU usage is scraped, and on which nodes it is missing for pods that ran."""
    usage, phase, place = (vocabulary.get(one) for one in (CPU_USAGE, PHASE, "kube_pod_info"))
    if not usage or not phase or not place or not interval:
        return
    of_usage = scrape_interval(prometheus, usage.series(), first, last)
    if of_usage is None:
        return
    yield Finding(vocabulary.cluster, f"{CPU_USAGE} is scraped every {of_usage} s")
    used = usage.series(f'{usage.label("container")}!=""')
    seen = {
        pod: value * of_usage
        for pod, value in _by_pod(prometheus, usage, f"count_over_time({_day(used)})", last)
    }
    running = phase.series('phase="Running"')
    ran = _by_pod(prometheus, phase, f"sum_over_time({_day(running)})", last)
    names = [*place.spelled("namespace", "pod"), place.label("node")]
    query = f"group by ({', '.join(names)}) (last_over_time({_day(place.series())}))"
    node_of = {
        (labels.get(names[0], ""), labels.get(names[1], "")): labels.get(names[2], "")
        for labels, _ in prometheus.instant(query, last)
    }
    seconds: dict[str, list[float]] = {}
    for pod, scrapes in ran:
        if node := node_of.get(pod):
            of_node = seconds.setdefault(node, [0, 0])
            of_node[0] += min(seen.get(pod, 0), scrapes * interval)
            of_node[1] += scrapes * interval
    parts = {node: part / whole for node, (part, whole) in seconds.items() if whole}
    silent_ones = [node for node, part in sorted(parts.items()) if not part]
    if silent_ones:
        yield Finding(
            vocabulary.cluster,
            f"{CPU_USAGE} is missing for all pods on {_some(silent_ones)}: their use will not be"
            " known; let their kubelets be scraped (Windows nodes do not export it)",
            Level.NOTE,
        )
    gaps = [
        f"{node} ({part:.0%})" for node, part in sorted(parts.items()) if 0 < part < _MOST_OF_IT
    ]
    if gaps:
        yield Finding(
            vocabulary.cluster,
            f"{CPU_USAGE} is missing for part of the time that pods ran on {_some(gaps)}: are"
            " their kubelets always scraped?",
            Level.NOTE,
        )


def _by_pod(
    prometheus: Prometheus, metric: Metric, value: str, last: int
) -> list[tuple[tuple[str, str], float]]:
    """The largest of some values by namespace and pod."""
    namespace, pod = metric.spelled("namespace", "pod")
    return [
        ((labels.get(namespace, ""), labels.get(pod, "")), found)
        for labels, found in prometheus.instant(f"max by ({namespace}, {pod}) ({value})", last)
    ]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_EXAMPLES]) + (
        f" and {len(names) - _EXAMPLES} more" if len(names) > _EXAMPLES else ""
    )


def _day(series: str) -> str:
    return during(series, _LOOK_BACK_SECONDS)


def _count(series: str) -> str:
    return f"count(count_over_time({_day(series)}))"
