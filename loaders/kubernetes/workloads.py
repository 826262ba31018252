"""Which workload a pod belongs to, and the labels of it and its namespace."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from infraspend.loaders.kubernetes.labels import label_key, label_text
from infraspend.loaders.kubernetes.readings import Readings, most_seen
from infraspend.loaders.kubernetes.vocabulary import NAMESPACE_LABELS, Metric, Vocabulary

_LABEL: Final = "label_"

# A workload makes these, and they make the pods.
_MAKERS: Final = {
    "ReplicaSet": ("kube_replicaset_owner", "replicaset"),
    "Job": ("kube_job_owner", "job_name"),
}

_Key = tuple[str, ...]


class Workload(NamedTuple):
    """The owner of a pod; None if it has none.

    Attributes:
        kind: Such as `Deployment`.
        name: Its name.
    """

    kind: str | None
    name: str | None


class PodFacts:
    """What the exporter has about an hour's pods besides numbers."""

    def __init__(
        self, readings: Readings, vocabulary: Vocabulary, chosen: Sequence[str] | None
    ) -> None:
        """Reads them.

        Args:
            readings: The hour.
            vocabulary: What its metrics are called.
            chosen: The pod labels to keep, as Kubernetes writes them; None keeps all.
        """
        self._labels = _by_pod(readings, vocabulary.get("kube_pod_labels"))
        self._owners = _by_pod(readings, vocabulary.get("kube_pod_owner"))
        self._infos = _by_pod(readings, vocabulary.get("kube_pod_info"))
        self._makers = {
            kind: _by_name(readings, vocabulary.get(name), label)
            for kind, (name, label) in _MAKERS.items()
        }
        self._chosen = None if chosen is None else {label_key(label) for label in chosen}

    def labels(self, pod: _Key) -> str | None:
        """A pod's (namespace, name, uid) labels as JSON text with sorted keys; None if none."""
        found = _exported(self._labels.get(pod, {}))
        if self._chosen is not None:
            found = {key: value for key, value in found.items() if key in self._chosen}
        return label_text(found) if found else None

    def workload(self, pod: _Key) -> Workload:
        """The owner of a pod (namespace, name, uid): the Deployment rather than its ReplicaSet."""
        owner = self._owners.get(pod, {})
        info = self._infos.get(pod, {})
        kind = owner.get("owner_kind") or info.get("created_by_kind")
        name = owner.get("owner_name") or info.get("created_by_name")
        if not _has_value(kind) or not _has_value(name):
            return Workload(None, None)
        maker = self._makers.get(kind or "", {}).get((pod[0], name or ""), {})
        if _has_value(maker.get("owner_kind")) and _has_value(maker.get("owner_name")):
            kind, name = maker["owner_kind"], maker["owner_name"]
        return Workload(kind, name)


def namespace_labels(readings: Readings, vocabulary: Vocabulary) -> Mapping[str, str]:
    """The labels of each namespace that has any, as `PodFacts.labels`."""
    metric = vocabulary.get(NAMESPACE_LABELS)
    if metric is None:
        return {}
    found = most_seen(readings.label_sets(metric), metric.spelled("namespace"))
    return {
        namespace: label_text(exported)
        for (namespace,), labels in sorted(found.items())
        if namespace and (exported := _exported(labels))
    }


def _exported(labels: Mapping[str, str]) -> dict[str, str]:
    """Kubernetes' own among the labels of a series."""
    return {
        label_key(name.removeprefix(_LABEL)): value
        for name, value in labels.items()
        if name.startswith(_LABEL)
    }


def _has_value(text: str | None) -> bool:
    """Whether kube-state-metrics has a value: it writes `<none>` for nothing."""
    return bool(text) and text != "<none>"


def _by_pod(readings: Readings, metric: Metric | None) -> Mapping[_Key, Mapping[str, str]]:
    if metric is None:
        return {}
    return most_seen(readings.label_sets(metric), metric.spelled("namespace", "pod", "uid"))


def _by_name(
    readings: Readings, metric: Metric | None, label: str
) -> Mapping[_Key, Mapping[str, str]]:
    if metric is None:
        return {}
    return most_seen(readings.label_sets(metric), metric.spelled("namespace", label))
