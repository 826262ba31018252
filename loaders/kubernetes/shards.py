"""The shards of kube-state-metrics: each exports a part of a cluster, and may be down for a while.

A shard's values are divided by the number of its own scrapes. Replicas export the same objects, and
so does an exporter that was restarted under another address: instances that have exported one
object, however briefly, are one shard. Only instances that share no object are several.
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

_OBJECTS: Final = {
    # Metric: what selects one series per object, and which labels name the object.
    PHASE: (('phase="Running"',), ("namespace", "pod", "uid")),
    CAPACITY: (('resource="cpu"',), ("node",)),
    CAPACITY_V1: ((), ("node",)),
    VOLUME_CAPACITY: ((), ("persistentvolume",)),
}
_POD_LABELS: Final = len(_OBJECTS[PHASE][1])


class Shards:
    """In how many slots of an hour the shard that exports an object was scraped.

    Attributes:
        samples: In how many slots the shards were scraped, on average: the values of each are
            divided by its own scrapes. If one was down for most of the hour, too little is known of
            it, and its number counts for all.
        away: The instances of each shard that was down at times -> in how many slots it was
            scraped.
        are_several: Whether several instances exported anything, be they shards or replicas.
        replicas: Instances that export the same objects, but not the same pods: one may be stale.
    """

    def __init__(self, readings: Readings, vocabulary: Vocabulary, scrapes: int) -> None:
        """Finds out which instance exported what.

        Args:
            readings: The hour.
            vocabulary: The names of its metrics.
            scrapes: In how many slots any node was exported.
        """
        self.samples = self._scrapes = scrapes
        self.away: dict[str, int] = {}
        self._slots: dict[Key, int] = {}
        self._metrics = [
            metric
            for name in _OBJECTS
            if (metric := vocabulary.get(name)) and INSTANCE in metric.labels
        ]
        self.are_several = bool(self._metrics and scrapes) and self._count(readings) > 1
        self.replicas: list[list[str]] = []
        if not self.are_several:
            return
        exported = self._exporters(readings)
        shards = _apart(exported)
        self.replicas = [
            sorted(instances)
            for instances, things in shards
            if any(exported[thing] != instances for thing in things if len(thing) == _POD_LABELS)
        ]
        if len(shards) > 1 and self._are_away(readings):
            self._measure(readings, shards)

    def scrapes(self, *thing: str) -> int:
        """In how many slots the shard that exports a pod, node or volume was scraped.

        Args:
            thing: The pod's namespace, name and uid; the node's name; the volume's name. Without
                one, in how many slots any node was exported.
        """
        return self._slots.get(thing, self._scrapes)

    def _count(self, readings: Readings) -> int:
        """How many instances exported anything."""
        there = readings.each(lambda window: self._any(window.whole(), by=(INSTANCE,)))
        return len({labels.get(INSTANCE) for labels, _ in there})

    def _are_away(self, readings: Readings) -> bool:
        """Whether an instance was not scraped whenever the cluster was."""
        slots = readings.counted(partial(self._any, by=(INSTANCE,)), [INSTANCE])
        return min(slots.values()) < self._scrapes or len(set(slots.values())) > 1

    def _exporters(self, readings: Readings) -> Mapping[Key, set[str]]:
        """The instances that exported each object."""
        exported: dict[Key, set[str]] = {}
        for metric in self._metrics:
            names = metric.spelled(*_OBJECTS[metric.name][1])
            query = partial(_things, metric, names)
            for labels, _ in readings.each(query):
                thing = tuple(labels.get(name, "") for name in names)
                exported.setdefault(thing, set()).add(labels.get(INSTANCE, ""))
        return _with_namesakes(exported)

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
        """1 in every slot in which anything was exported."""
        exported = " or ".join(in_slot(_series(one, *matchers), window) for one in self._metrics)
        return f"group by ({', '.join(by)}) ({exported})"


def _things(metric: Metric, names: Sequence[str], window: Window) -> str:
    exported = in_slot(_series(metric), window.whole())
    return f"group by ({', '.join((*names, INSTANCE))}) ({exported})"


def _series(metric: Metric, *matchers: str) -> str:
    return metric.series(*_OBJECTS[metric.name][0], *matchers)


def _with_namesakes(exported: dict[Key, set[str]]) -> dict[Key, set[str]]:
    """Where an exporter has no uid, pods of one name are one object."""
    pods = [thing for thing in exported if len(thing) == _POD_LABELS]
    if all(uid for *_, uid in pods):
        return exported
    by_name: dict[Key, set[str]] = {}
    for pod in pods:
        by_name.setdefault(pod[:2], set()).update(exported[pod])
    return exported | {pod: by_name[pod[:2]] for pod in pods}


def _apart(exported: Mapping[Key, set[str]]) -> list[tuple[set[str], list[Key]]]:
    """The shards, each with its objects: their instances have none in common."""
    by_instances: dict[frozenset[str], list[Key]] = {}
    for thing, instances in exported.items():
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
