"""What containers used, as far as anything measures it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from infraspend.loaders.kubernetes.containers import PodOnNode, Pods
from infraspend.loaders.kubernetes.prometheus import RefusedError
from infraspend.loaders.kubernetes.promql import (
    HOUR_SECONDS,
    Window,
    during,
    in_slot,
    one_of,
    rate_in_slot,
    renamed,
)
from infraspend.loaders.kubernetes.quarantine import GIB, MOST_BYTES, MOST_CORES, MOST_GPUS
from infraspend.loaders.kubernetes.readings import Readings
from infraspend.loaders.kubernetes.vocabulary import (
    BYTE_COUNTERS,
    CPU_USAGE,
    GPU_USAGE,
    INSTANCE,
    MEMORY_USAGE,
    STARTED,
    Metric,
    Vocabulary,
)

_PODS_AT_ONCE: Final = 40
_LEAST_COVERAGE: Final = 0.5
_PERCENT: Final = 100
_YOUNG: Final = "is_on_new_target"


@dataclass(frozen=True)
class Measure:
    """A column of usage and where it comes from.

    Attributes:
        column: The column.
        metric: The metric.
        is_counter: Whether it is a counter; otherwise it is a gauge.
        unit: How many of the metric's units make one of the column's, for a whole hour.
        parts: The labels of series that add up, within a container or pod.
        of_pod: Whether it is known of whole pods only.
        most: The largest valid value of the column.
    """

    column: str
    metric: str
    is_counter: bool
    unit: float
    parts: tuple[str, ...] = ()
    of_pod: bool = False
    most: float = MOST_BYTES / GIB

    def expression(self, metric: Metric, window: Window, *matchers: str) -> str:
        """Its value per container or pod; replicas of a scrape are folded."""
        who = [*metric.spelled("namespace", "pod"), *_target(metric)]
        if not self.of_pod:
            container = metric.label("container")
            who.append(container)
            matchers = (f'{container}!=""', f'{container}!="POD"', *matchers)
        series = metric.series(*matchers)
        samples = rate_in_slot(series, window) if self.is_counter else in_slot(series, window)
        value = f"max by ({', '.join([*who, *self.parts])}) ({samples})"
        return f"sum by ({', '.join(who)}) ({value})" if self.parts else value

    def scraped(self, metric: Metric, window: Window) -> str:
        """A value per target in every slot in which it was measured.

        A counter is where its target was scraped in the slot before as well.
        """
        target = ", ".join(_target(metric))
        series = metric.series()
        there = f"group by ({target}) ({in_slot(series, window)})"
        if not self.is_counter:
            return there
        before = during(series, window.slot, window.early + window.slot)
        return f"{there} and on ({target}) group by ({target}) (last_over_time({before}))"


def _target(metric: Metric) -> tuple[str, ...]:
    """The label of what is scraped: a kubelet, and so a node."""
    return (INSTANCE,) if INSTANCE in metric.labels else ()


MEASURES: Final = (
    Measure("cpu_usage_core_hours", CPU_USAGE, True, 1, most=MOST_CORES),
    Measure("memory_usage_gib_hours", MEMORY_USAGE, False, GIB),
    Measure(
        "gpu_usage_gpu_hours", GPU_USAGE, False, _PERCENT, parts=("gpu", "UUID"), most=MOST_GPUS
    ),
    *(
        Measure(
            counter.column,
            counter.metric,
            True,
            GIB / HOUR_SECONDS,
            parts=(counter.part,),
            of_pod=counter.of_pod,
        )
        for counter in BYTE_COUNTERS
    ),
)


@dataclass(frozen=True)
class Use:
    """An hour of a measure.

    Attributes:
        amounts: What was used, by pod and container (empty for a measure of whole pods).
        missed: The targets that were scraped too seldom, and in how many slots.
    """

    amounts: dict[tuple[PodOnNode, str], float] = field(default_factory=dict)
    missed: dict[str, float] = field(default_factory=dict)


def measure_usage(
    readings: Readings,
    pods: Pods,
    vocabulary: Vocabulary,
    running: Iterable[PodOnNode],
    measure: Measure,
    there: Mapping[str, float],
    coverage: float = 1,
) -> Use:
    """An hour of a measure.

    The mean over the scrapes of its own target, the kubelet of its node, for as long as the node
    was there: a container that has ended is no gap, and a missing scrape of a kubelet is no lower
    usage. The use of a target that was scraped for less than half of that time is not known. A
    counter is known from its first scrape on, except for the CPU of a container that began within
    the hour, whose counter rose from 0. (The network's does not: a pod on the network of its node
    shows the node's counter.)

    Args:
        readings: The hour.
        pods: The expressions for its pods.
        vocabulary: The names of its metrics.
        running: The pods that ran in the hour.
        measure: What to measure.
        there: The part of the hour for which each node was there.
        coverage: The part of the hour in which the cluster was scraped at all.
    """
    metric = vocabulary.get(measure.metric)
    if metric is None or metric.label("pod") not in metric.labels:
        return Use()
    target = _target(metric)
    by_target = readings.counted(lambda window: measure.scraped(metric, window), target)
    use = Use()
    used = use.amounts
    scale = 1 / (_scrapes(readings, metric, measure) * measure.unit) if by_target else 0
    bearers = Counter((pod.namespace, pod.pod) for pod in running)
    alone = {pod[:2]: pod for pod in running if bearers[pod[:2]] == 1}
    labels = (*metric.spelled("namespace", "pod", "container"), *target)
    sums = readings.summed(lambda window: measure.expression(metric, window), labels)
    first = []
    if measure.metric == CPU_USAGE:
        first = _first_seconds(readings, metric, vocabulary)
    whole = {one[:3] for one in first if one.is_on_new_target}
    hours_of = _hours(there, ((alone.get((key[0], key[1])), key[3:]) for key in sums))
    for (namespace, name, container, *of), value in sums.items():
        if not (pod := alone.get((namespace, name))):
            continue
        scrapes = by_target.get(tuple(of), 0)
        hours = hours_of[tuple(of)] if of else 1
        # A counter's first scrape shows no rise.
        if scrapes + measure.is_counter < _LEAST_COVERAGE * hours * coverage * readings.slots:
            use.missed[", ".join(of)] = scrapes
            continue
        # The first scrape of the kubelet counts for a container that began with its node.
        scrapes += (namespace, name, container) in whole
        key = pod, container
        amount = value * hours / (scrapes * measure.unit)
        # Two targets that scrape one container agree; NaN stays NaN.
        if key not in used or not amount <= used[key]:
            used[key] = amount
    for key, value in _of_namesakes(readings, pods, metric, measure, bearers).items():
        used[key] = value * scale
    for one in first:
        if pod := alone.get(one[:2]) or _bearer(running, one):
            key = pod, one.container
            used[key] = used.get(key, 0) + one.seconds / HOUR_SECONDS
    return use


def _bearer(running: Iterable[PodOnNode], first: "_First") -> PodOnNode | None:
    """Of the pods that had a name in turn, the one whose uid is in a control group's path."""
    for pod in running:
        spellings = (pod.uid, pod.uid.replace("-", "_")) if pod.uid else ()
        if pod[:2] == first[:2] and any(uid in first.group for uid in spellings):
            return pod
    return None


def _hours(
    there: Mapping[str, float], seen: Iterable[tuple[PodOnNode | None, tuple[str, ...]]]
) -> Mapping[tuple[str, ...], float]:
    """For which part of the hour each target's nodes existed; a target may have several nodes."""
    nodes: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for pod, target in seen:
        if pod:
            nodes[target].add(pod.node)
    return {target: min(1, sum(there.get(one, 1) for one in of)) for target, of in nodes.items()}


def _scrapes(readings: Readings, metric: Metric, measure: Measure) -> float:
    """In how many slots anything was measured."""
    anything = readings.counted(lambda window: f"group({measure.scraped(metric, window)})")
    return anything.get((), 0)


class _First(NamedTuple):
    """The value of a container's counter when it was first scraped.

    Attributes:
        namespace: Its pod's namespace.
        pod: Its pod's name.
        container: Its name.
        group: The path of its control group; empty if not exported.
        is_on_new_target: Whether its kubelet was not scraped before the hour.
        seconds: The core-seconds.
    """

    namespace: str
    pod: str
    container: str
    group: str
    is_on_new_target: bool
    seconds: float


def _first_seconds(readings: Readings, metric: Metric, vocabulary: Vocabulary) -> list[_First]:
    """The first values of the counters that began within the hour, in core-seconds.

    A container began within the hour if its own target was scraped right before the hour and did
    not export it, or if its pod did, as on a new node. A restarted container has a control group,
    and so counters, of its own.
    """
    who = metric.spelled("namespace", "pod", "container")
    each = [*who, *(name for name in ("id", "name") if name in metric.labels)]
    target = _target(metric)
    named = [f'{label}!=""' for label in who]
    series = metric.series(*named, f'{who[-1]}!="POD"')
    started = vocabulary.get(STARTED)

    def began(window: Window) -> str:
        first = during(series, window.end - window.start, window.early)
        before = during(series, 2 * window.slot, window.early + window.end - readings.start)
        of, key = ", ".join(target), ", ".join([*each, *target])
        new = f"max by ({key}) (min_over_time({first}))"
        new = f"({new} unless on ({key}) last_over_time({before}))"
        known = f"group by ({of}) (last_over_time({before}))"
        firsts = f"{new} and on ({of}) {known}"
        if started:
            young = _young(started, who[:2], window, readings.start)
            young = f"({new} unless on ({of}) {known}) and on ({', '.join(who[:2])}) ({young})"
            firsts += f' or label_replace({young}, "{_YOUNG}", "yes", "", "")'
        return f"max by ({', '.join([*each, _YOUNG])}) ({firsts})"

    least: dict[tuple[str, ...], _First] = {}
    for labels, value in readings.each(began):
        key = tuple(labels.get(name, "") for name in each)
        found = _First(
            namespace=labels.get(who[0], ""),
            pod=labels.get(who[1], ""),
            container=labels.get(who[2], ""),
            group=labels.get("id", ""),
            is_on_new_target=_YOUNG in labels,
            seconds=value,
        )
        least[key] = min(least.get(key, found), found, key=lambda one: one.seconds)
    return list(least.values())


def _young(started: Metric, names: Sequence[str], window: Window, since: int) -> str:
    """A value for every namespace and pod whose name no pod had before a moment."""
    own = started.spelled("namespace", "pod")
    samples = during(started.series(), window.end - since)
    young = f"min by ({', '.join(own)}) (min_over_time({samples})) >= {since}"
    return renamed(young, dict(zip(own, names, strict=True)))


def _of_namesakes(
    readings: Readings,
    pods: Pods,
    metric: Metric,
    measure: Measure,
    bearers: Mapping[tuple[str, str], int],
) -> dict[tuple[PodOnNode, str], float]:
    """The same for pods that had one name in turn, or on several nodes.

    The exporter knows names only; the pod behind the name is looked up slot by slot.
    """
    names = sorted({name for (_, name), count in bearers.items() if count > 1})
    used = {}
    namespace, pod, uid, node = pods.labels
    names_of = dict(zip(metric.spelled("namespace", "pod"), (namespace, pod), strict=True))
    waiting = [names[at : at + _PODS_AT_ONCE] for at in range(0, len(names), _PODS_AT_ONCE)]
    while waiting:
        some = waiting.pop(0)

        def expression(window: Window, some: list[str] = some) -> str:
            value = measure.expression(metric, window, one_of(metric.label("pod"), some))
            if target := _target(metric):
                value = f"max without ({', '.join(target)}) ({value})"
            value = renamed(value, names_of)
            # Replicas of kube-state-metrics may have two pods of the name in one slot: one of them
            # counts.
            bearer = f"topk by ({namespace}, {pod}) (1, {pods.on_nodes(window, one_of(pod, some))})"
            return f"{value} * on ({namespace}, {pod}) group_left ({uid}, {node}) {bearer}"

        labels = (*pods.labels, metric.label("container"))
        try:
            sums = readings.summed(expression, labels)
        except RefusedError:
            if len(some) == 1:
                raise
            middle = len(some) // 2
            waiting[:0] = [some[:middle], some[middle:]]
            continue
        for key, value in sums.items():
            who = PodOnNode(*key[:4])
            if bearers[who[:2]] > 1:
                used[who, key[4]] = value
    return used
