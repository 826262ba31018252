"""The spelling of the label keys of pods and namespaces: that of kube-state-metrics.

It writes `serving.kserve.io/inferenceservice` as `serving_kserve_io_inferenceservice`, which cannot
be undone. So keys from all sources are spelled its way, and label rules spell theirs the same way
(the macro `label_key`) before they compare.
"""

import json
import re
from collections.abc import Mapping
from typing import Final

_NOT_IN_A_NAME: Final = re.compile(r"[^a-zA-Z0-9_]")
_SMALL_AND_CAPITAL: Final = re.compile(r"([a-z0-9])([A-Z])")

KNOWN: Final = {
    "notebook-name": "Kubeflow notebooks",
    "serving.kserve.io/inferenceservice": "inference services of KServe",
    "serving.kubeflow.org/inferenceservice": "inference services before KServe",
    "pipeline/runid": "runs of Kubeflow pipelines",
    "workflows.argoproj.io/workflow": "workflows of Argo",
    "katib.kubeflow.org/experiment": "experiments of Katib",
    "katib.kubeflow.org/trial": "trials of Katib",
    "app.kubernetes.io/name": "applications",
}
"""Pod labels that identify what a pod runs for: columns of the mart `workload_spend`."""


def label_key(key: str) -> str:
    """A label's key as kube-state-metrics writes it, without `label_` before it."""
    name = _NOT_IN_A_NAME.sub("_", key)
    return _SMALL_AND_CAPITAL.sub(r"\1_\2", name).lower()


def label_text(labels: Mapping[str, object]) -> str:
    """Labels as JSON text, keys spelled as by `label_key` and sorted.

    If several keys get the same spelling, the first in alphabetical order is kept.
    """
    spelled: dict[str, object] = {}
    for key in sorted(labels):
        spelled.setdefault(label_key(key), labels[key])
    return json.dumps(spelled, sort_keys=True, ensure_ascii=False)
