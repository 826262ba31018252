"""The doctor says what is lacking, and how to get it."""

from functools import cache

import pytest

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.findings import Finding
from infraspend.loaders.kubernetes.diagnosis import Level, diagnose
from tests.tracker.exporter import START

END = START + 4 * 3600


@cache
def diagnosed(url: str) -> list[Finding]:
    return diagnose(url, at=END)


def findings(url: str, cluster: str, level: Level) -> list[str]:
    return [one.text for one in diagnosed(url) if (one.subject, one.level) == (cluster, level)]


def starts(texts: list[str], beginning: str) -> bool:
    return any(text.startswith(beginning) for text in texts)


@pytest.mark.parametrize(
    ("cluster", "says"),
    [
        ("cluster-0", "scraped every 60 s"),
        ("cluster-0", "kube-state-metrics 1, or 2.0"),
        ("cluster-0", "instance types are in label_beta_kubernetes_io_instance_type"),
        ("cluster-1", "kube-state-metrics 2"),
        ("cluster-1", "kube_pod_status_phase shows which pods are Running"),
        ("cluster-1", "1 pod labels are exported: label_app"),
        ("kubeflow", "known pod labels: notebook-name (Kubeflow notebooks), serving.kserve.io/"),
        ("kubeflow", "kube_namespace_labels: the labels of namespaces"),
        ("replicas", "pods are scraped by up to 2 replicas"),
        ("scheduled", "kube_pod_resource_request: what kube-scheduler reserves"),
        ("two-rhythms", "scraped every 30 s"),
        ("two-rhythms", "container_cpu_usage_seconds_total is scraped every 60 s"),
        ("exported", "pods are named by exported_namespace and exported_pod: honor_labels is off"),
    ],
)
def test_what_is_good(server: str, cluster: str, says: str) -> None:
    assert starts(findings(server, cluster, Level.GOOD), says)


@pytest.mark.parametrize(
    ("cluster", "level", "says"),
    [
        ("cluster-0", Level.NOTE, "DCGM_FI_DEV_GPU_UTIL names no pod"),
        ("cluster-1", Level.NOTE, "kube_pod_owner is missing: workloads will not be known"),
        ("gap", Level.NOTE, "kube_pod_init_container_info has no restart policy"),
        ("gap", Level.NOTE, "kube_pod_init_container_resource_requests is missing"),
        (
            "windows",
            Level.NOTE,
            "container_cpu_usage_seconds_total is missing for all pods on node-2:",
        ),
        (
            "one-kubelet-away",
            Level.NOTE,
            "container_cpu_usage_seconds_total is missing for part of the time that pods ran"
            " on node-2 (50%):",
        ),
        ("gap", Level.NOTE, "kube_pod_overhead_cpu_cores is missing"),
        ("gap", Level.NOTE, "kube_pod_resource_request is missing"),
        ("gap", Level.NOTE, "no pod label is exported"),
        (
            "kubeflow",
            Level.NOTE,
            "known pod labels that are not exported: serving.kubeflow.org/inferenceservice;",
        ),
        ("gap", Level.NOTE, "kube_namespace_labels is missing"),
        ("no-phase", Level.ERROR, "kube_pod_status_phase is missing"),
        ("no-phase", Level.ERROR, "kube_pod_container_resource_requests is missing"),
    ],
)
def test_what_is_not(server: str, cluster: str, level: Level, says: str) -> None:
    assert starts(findings(server, cluster, level), says)


def test_kubelets_that_report_all_that_ran_are_not_named(server: str) -> None:
    for cluster in ("cluster-1", "two-rhythms"):
        notes = findings(server, cluster, Level.NOTE)
        assert not any("is missing for all pods" in text or "part of" in text for text in notes)


def test_a_server_with_one_cluster(lone_server: str) -> None:
    assert starts(findings(lone_server, "", Level.NOTE), "no series has a label `cluster`")
    assert starts(findings(lone_server, "", Level.ERROR), "kube_node_labels has no instance type")


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(InfraspendError, match="no http"):
        diagnose("prometheus:9090")
