"""The shards of kube-state-metrics: each tells a part of a cluster, and may be away for a while.

What a shard tells was so for its own scrapes, and is divided by them. Replicas tell the same
things, and so does an exporter that was started again under another address: instances that
have told of one thing, ever so briefly, are one shard. Only instances that share nothing are
several.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from infraspend.loaders.kubernetes.promql import Window, in_slot, one_of
from infraspend.loaders.kubernetes.readings import Key, Readings
from infraspend.loaders.kubernetes.vocabulary import (
    CAPACITY,
    CAPACITY_V1,
    INSTANCE,
    PHASE,
    VOLUME_CAPACITY,
    Metric,
    Vocabulary,
)

_TOLD_OF: Final = {
    # Metric: what selects one series per thing, and which labels name the thing.
    PHASE: (('phase="Running"',), ("namespace", "pod", "uid")),
    CAPACITY: (('resource="cpu"',), ("node",)),
    CAPACITY_V1: ((), ("node",)),
    VOLUME_CAPACITY: ((), ("persistentvolume",)),
}
_POD_LABELS: Final = len(_TOLD_OF[PHASE][1])


class Shards:
    """In how many slots of an hour the shard was scraped that tells of a thing.

    Attributes:
        samples: In how many slots the shards were scraped, on average: what each tells is divided
            by its own scrapes. Of one that was away for most of the hour too little is known, and
            it counts for all.
        away: The instances of each shard that was away -> in how many slots it was scraped.
        are_several: Whether several instances told anything, be they shards or replicas.
        replicas: Instances that tell the same things, but not of the same pods: one may be stale.
    """

    def __init__(self, readings: Readings, vocabulary: Vocabulary, scrapes: int) -> None:
        """Looks at who told what.

        Args:
            readings: The hour.
            vocabulary: What its metrics are called.
            scrapes: In how many slots any node was told of.
        """
        self.samples = self._scrapes = scrapes
        self.away: dict[str, int] = {}
        self._slots: dict[Key, int] = {}
        self._metrics = [
            metric
            for name in _TOLD_OF
            if (metric := vocabulary.get(name)) and INSTANCE in metric.labels
        ]
        self.are_several = bool(self._metrics and scrapes) and self._count(readings) > 1
        self.replicas: list[list[str]] = []
        if not self.are_several:
            return
        told = self._told(readings)
        shards = _apart(told)
        self.replicas = [
            sorted(instances)
            for instances, things in shards
            if any(told[thing] != instances for thing in things if len(thing) == _POD_LABELS)
        ]
        if len(shards) > 1 and self._are_away(readings):
            self._measure(readings, shards)

    def scrapes(self, *thing: str) -> int:
        """In how many slots the shard was scraped that tells of a pod, node or volume.

        Args:
            thing: The pod's namespace, name and uid; the node's name; the volume's name. Without
                one, in how many slots any node was told of.
        """
        return self._slots.get(thing, self._scrapes)

    def _count(self, readings: Readings) -> int:
        """How many instances told anything."""
        there = readings.each(lambda window: self._any(window.whole(), by=(INSTANCE,)))
        return len({labels.get(INSTANCE) for labels, _ in there})

    def _are_away(self, readings: Readings) -> bool:
        """Whether an instance was not scraped whenever the cluster was."""
        slots = readings.counted(partial(self._any, by=(INSTANCE,)), [INSTANCE])
        return min(slots.values()) < self._scrapes or len(set(slots.values())) > 1

    def _told(self, readings: Readings) -> Mapping[Key, set[str]]:
        """The instances that told of each thing."""
        told: dict[Key, set[str]] = {}
        for metric in self._metrics:
            names = metric.spelled(*_TOLD_OF[metric.name][1])
            query = partial(_things, metric, names)
            for labels, _ in readings.each(query):
                thing = tuple(labels.get(name, "") for name in names)
                told.setdefault(thing, set()).add(labels.get(INSTANCE, ""))
        return _with_namesakes(told)

    def _measure(self, readings: Readings, shards: Sequence[tuple[set[str], list[Key]]]) -> None:
        found = []
        for instances, things in shards:
            query = partial(self._any, matchers=(one_of(INSTANCE, sorted(instances)),))
            slots = round(readings.counted(query).get((), 0))
            found.append(slots)
            if slots < readings.slots:
                self.away[", ".join(sorted(instances))] = slots
            self._slots.update(dict.fromkeys(things, slots))
        least = min(found)
        self.samples = sum(found) // len(found) if 2 * least >= readings.slots else least

    def _any(self, window: Window, by: Sequence[str] = (), matchers: Sequence[str] = ()) -> str:
        """1 in every slot in which anything was told."""
        told = " or ".join(in_slot(_series(one, *matchers), window) for one in self._metrics)
        return f"group by ({', '.join(by)}) ({told})"


def _things(metric: Metric, names: Sequence[str], window: Window) -> str:
    told = in_slot(_series(metric), window.whole())
    return f"group by ({', '.join((*names, INSTANCE))}) ({told})"


def _series(metric: Metric, *matchers: str) -> str:
    return metric.series(*_TOLD_OF[metric.name][0], *matchers)


def _with_namesakes(told: dict[Key, set[str]]) -> dict[Key, set[str]]:
    """Where an exporter tells no uid, pods of one name are one thing."""
    pods = [thing for thing in told if len(thing) == _POD_LABELS]
    if all(uid for *_, uid in pods):
        return told
    by_name: dict[Key, set[str]] = {}
    for pod in pods:
        by_name.setdefault(pod[:2], set()).update(told[pod])
    return told | {pod: by_name[pod[:2]] for pod in pods}


def _apart(told: Mapping[Key, set[str]]) -> list[tuple[set[str], list[Key]]]:
    """The shards, each with what it tells of: their instances have nothing in common."""
    by_instances: dict[frozenset[str], list[Key]] = {}
    for thing, instances in told.items():
        by_instances.setdefault(frozenset(instances), []).append(thing)
    shards: list[tuple[set[str], list[Key]]] = []
    for together, things in by_instances.items():
        instances = set(together)
        apart = []
        for shard in shards:
            if shard[0] & instances:
                instances |= shard[0]
                things += shard[1]
            else:
                apart.append(shard)
        shards = [*apart, (instances, things)]
    return shards
