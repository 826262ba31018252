"""Persistent volumes and who claimed them."""

import re
from typing import Final, NamedTuple

from infraspend.loaders.kubernetes.promql import in_slot
from infraspend.loaders.kubernetes.readings import Readings, most_seen
from infraspend.loaders.kubernetes.vocabulary import VOLUME_CAPACITY, Metric, Vocabulary

_EBS_ID: Final = re.compile(r"\bvol-[0-9a-f]+\b")


class Volume(NamedTuple):
    """A volume; None if not exported.

    Attributes:
        name: Its name in the cluster.
        volume_id: Its EBS id, such as `vol-0123`.
        storage_class: Its storage class.
        namespace: The namespace of the claim that it is bound to.
        claim: That claim.
        byte_slots: Its capacity in bytes, summed over the slots.
    """

    name: str
    volume_id: str | None
    storage_class: str | None
    namespace: str | None
    claim: str | None
    byte_slots: float


def measure_volumes(readings: Readings, vocabulary: Vocabulary) -> list[Volume]:
    """The volumes of the hour."""
    metric = vocabulary.get(VOLUME_CAPACITY)
    if metric is None:
        return []
    series = metric.series()
    sizes = readings.summed(
        lambda window: f"max by (persistentvolume) ({in_slot(series, window)})",
        ["persistentvolume"],
    )
    infos = _by(readings, vocabulary.get("kube_persistentvolume_info"), "persistentvolume")
    bound = _by(readings, vocabulary.get("kube_persistentvolume_claim_ref"), "persistentvolume")
    claims = _by(readings, vocabulary.get("kube_persistentvolumeclaim_info"), "volumename")
    volumes = []
    for (name,), value in sizes.items():
        info, reference, claim = (one.get(name, {}) for one in (infos, bound, claims))
        handles = " ".join((info.get("csi_volume_handle", ""), info.get("ebs_volume_id", "")))
        found = _EBS_ID.search(handles)
        volumes.append(
            Volume(
                name=name,
                volume_id=found.group() if found else None,
                storage_class=info.get("storageclass") or claim.get("storageclass") or None,
                namespace=reference.get("claim_namespace")
                or claim.get("exported_namespace")
                or claim.get("namespace")
                or None,
                claim=reference.get("name") or claim.get("persistentvolumeclaim") or None,
                byte_slots=value,
            )
        )
    return volumes


def _by(readings: Readings, metric: Metric | None, label: str) -> dict[str, dict[str, str]]:
    """Per value of a label, the labels of the series that has it."""
    if metric is None:
        return {}
    found = most_seen(readings.label_sets(metric, f'{label}!=""'), [label])
    return {name: dict(labels) for (name,), labels in found.items()}
