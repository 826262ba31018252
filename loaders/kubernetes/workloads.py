"""Which workload a pod belongs to, and the labels it carries."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from loaders.kubernetes.readings import Readings, most_seen
from loaders.kubernetes.vocabulary import Metric, Vocabulary

_LABEL: Final = "label_"
_NOT_IN_A_NAME: Final = re.compile(r"[^a-zA-Z0-9_]")

# A workload makes these, and they make the pods.
_MAKERS: Final = {
    "ReplicaSet": ("kube_replicaset_owner", "replicaset"),
    "Job": ("kube_job_owner", "job_name"),
}

_Key = tuple[str, ...]


class Workload(NamedTuple):
    """What made a pod; None where nothing did.

    Attributes:
        kind: Such as `Deployment`.
        name: Its name.
    """

    kind: str | None
    name: str | None


class PodFacts:
    """What the exporter tells of an hour's pods besides numbers."""

    def __init__(
        self, readings: Readings, vocabulary: Vocabulary, chosen: Sequence[str] | None
    ) -> None:
        """Reads them.

        Args:
            readings: The hour.
            vocabulary: What its metrics are called.
            chosen: The pod labels to keep, as Kubernetes writes them; None keeps all, as
                kube-state-metrics writes them: `app_kubernetes_io_name`.
        """
        self._labels = _by_pod(readings, vocabulary.get("kube_pod_labels"))
        self._owners = _by_pod(readings, vocabulary.get("kube_pod_owner"))
        self._infos = _by_pod(readings, vocabulary.get("kube_pod_info"))
        self._makers = {
            kind: _by_name(readings, vocabulary.get(name), label)
            for kind, (name, label) in _MAKERS.items()
        }
        self._chosen = (
            None
            if chosen is None
            else {_LABEL + _NOT_IN_A_NAME.sub("_", label): label for label in chosen}
        )

    def labels(self, pod: _Key) -> str | None:
        """A pod's (namespace, name, uid) labels as JSON text with sorted keys; None if none."""
        found = {}
        for name, value in self._labels.get(pod, {}).items():
            if self._chosen is None and name.startswith(_LABEL):
                found[name.removeprefix(_LABEL)] = value
            elif self._chosen is not None and name in self._chosen:
                found[self._chosen[name]] = value
        return json.dumps(found, sort_keys=True, ensure_ascii=False) if found else None

    def workload(self, pod: _Key) -> Workload:
        """What made a pod (namespace, name, uid): the Deployment rather than its ReplicaSet."""
        owner = self._owners.get(pod, {})
        info = self._infos.get(pod, {})
        kind = owner.get("owner_kind") or info.get("created_by_kind")
        name = owner.get("owner_name") or info.get("created_by_name")
        if not _is_told(kind) or not _is_told(name):
            return Workload(None, None)
        maker = self._makers.get(kind or "", {}).get((pod[0], name or ""), {})
        if _is_told(maker.get("owner_kind")) and _is_told(maker.get("owner_name")):
            kind, name = maker["owner_kind"], maker["owner_name"]
        return Workload(kind, name)


def _is_told(text: str | None) -> bool:
    """Whether kube-state-metrics says something: it writes `<none>` for nothing."""
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
