"""How the labels of an hour are spelled, where honor_labels was switched from one hour to another.

The vocabulary of a run then has a label in both spellings. Each hour is read in the one that most
of its scrapes have; scrapes in the other one count as a gap.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from infraspend.loaders.kubernetes.promql import Window, in_slot
from infraspend.loaders.kubernetes.readings import Readings
from infraspend.loaders.kubernetes.vocabulary import (
    CPU_USAGE,
    GPU_USAGE,
    PHASE,
    SCHEDULER_REQUESTS,
    Metric,
    Vocabulary,
)

_EXPORTED: Final = "exported_"
_SPELLINGS: Final = ("plain", "exported")
_SUBJECT: Final = ("namespace", "pod", "node")


def spelled(readings: Readings, vocabulary: Vocabulary) -> tuple[Vocabulary, dict[str, set[int]]]:
    """The vocabulary of an hour, and the starts of the slots with the other spelling.

    Args:
        readings: The whole hour.
        vocabulary: The names of the metrics and labels of all hours.

    Returns:
        The vocabulary, and a metric of each exporter that was switched within the hour -> slots.
    """
    asked = dict(_asked(vocabulary))
    if not asked:
        return vocabulary, {}
    counts = readings.counted(
        lambda window: " or ".join(
            f'label_replace({_spelling(metric, label, spelling, window)}, "spelling",'
            f' "{spelling}/{metric.name}", "", "")'
            for metric, label in asked.values()
            for spelling in _SPELLINGS
        ),
        ["spelling"],
    )
    metrics = dict(vocabulary.metrics)
    switched = {}
    for exporter, (metric, label) in asked.items():
        plain, exported = (counts.get((f"{one}/{metric.name}",), 0) for one in _SPELLINGS)
        rarer = "exported" if plain > exported else "plain"
        if rarer == "exported":
            for name, one in vocabulary.metrics.items():
                if _exporter(name) == exporter:
                    metrics[name] = replace(one, labels=frozenset(_plain(one)))
        if plain and exported:
            switched[metric.name] = readings.slots_where(partial(_spelling, metric, label, rarer))
    return replace(vocabulary, metrics=metrics), switched


def _asked(vocabulary: Vocabulary) -> Iterator[tuple[str, tuple[Metric, str]]]:
    """Per exporter with labels in another spelling, a metric and a label that distinguish them.

    dcgm-exporter is left out: its series of an idle GPU name no pod.
    """
    for name in (PHASE, CPU_USAGE, SCHEDULER_REQUESTS):
        metric = vocabulary.get(name)
        for label in _SUBJECT if metric else ():
            if metric and _EXPORTED + label in metric.labels:
                yield _exporter(name), (metric, _EXPORTED + label)
                break


def _exporter(metric: str) -> str:
    """The exporter of a metric: all of its metrics are scraped together."""
    if metric in (SCHEDULER_REQUESTS, GPU_USAGE):
        return metric
    return metric.partition("_")[0]


def _spelling(metric: Metric, label: str, spelling: str, window: Window) -> str:
    """1 in every slot with a spelling; where both exist, it is the exported one."""
    is_exported = f'{label}!=""'
    exported = f"group({in_slot(metric.series(is_exported), window)})"
    if spelling == "exported":
        return exported
    return f"group({in_slot(metric.series(), window)}) unless {exported}"


def _plain(metric: Metric) -> Iterator[str]:
    return (label for label in metric.labels if not label.startswith(_EXPORTED))
