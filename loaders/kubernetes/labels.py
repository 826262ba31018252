"""The one spelling of labels of pods and namespaces: what kube-state-metrics makes of their keys.

It writes `serving.kserve.io/inferenceservice` as `serving_kserve_io_inferenceservice`, and nobody
can tell from that what it was. So keys are spelled its way wherever they come from, and label
rules spell theirs the same way (the macro `label_key`) before they compare.
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
"""Pod labels that say what something runs for: the columns of the mart `workload_spend`."""


def label_key(key: str) -> str:
    """A label's key as kube-state-metrics writes it, without `label_` before it."""
    name = _NOT_IN_A_NAME.sub("_", key)
    return _SMALL_AND_CAPITAL.sub(r"\1_\2", name).lower()


def label_text(labels: Mapping[str, object]) -> str:
    """Labels as JSON text, keys in the one spelling and sorted.

    Of keys that are spelled the same the first in the order of their letters stays.
    """
    spelled: dict[str, object] = {}
    for key in sorted(labels):
        spelled.setdefault(label_key(key), labels[key])
    return json.dumps(spelled, sort_keys=True, ensure_ascii=False)
