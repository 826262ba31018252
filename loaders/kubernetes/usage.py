"""What containers used, as far as anything measures it."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from loaders.kubernetes.containers import PodOnNode, Pods
from loaders.kubernetes.prometheus import RefusedError
from loaders.kubernetes.promql import HOUR_SECONDS, Window, during, in_slot, one_of, rate_in_slot
from loaders.kubernetes.quarantine import GIB, MOST_BYTES, MOST_CORES, MOST_GPUS
from loaders.kubernetes.readings import Readings
from loaders.kubernetes.vocabulary import (
    CPU_USAGE,
    GPU_USAGE,
    MEMORY_USAGE,
    NETWORK_RECEIVE,
    NETWORK_TRANSMIT,
    Metric,
    Vocabulary,
)

_PODS_AT_ONCE: Final = 40
_TARGET: Final = "instance"
_LEAST_COVERAGE: Final = 0.5
_PERCENT: Final = 100


@dataclass(frozen=True)
class Measure:
    """A column of usage and where it comes from.

    Attributes:
        column: The column.
        metric: The metric.
        is_counter: Whether it counts up; otherwise it says what is.
        unit: How many of the metric's units make one of the column's, for a whole hour.
        parts: The labels of series that add up, within a container or pod.
        of_pod: Whether it is known of whole pods only.
        most: The largest value of the column that can be believed.
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
        """A value per target in every slot in which anything of it was measured."""
        series = metric.series()
        samples = rate_in_slot(series, window) if self.is_counter else in_slot(series, window)
        return f"group by ({', '.join(_target(metric))}) ({samples})"


def _target(metric: Metric) -> tuple[str, ...]:
    """The label of what is scraped: a kubelet, and so a node."""
    return (_TARGET,) if _TARGET in metric.labels else ()


MEASURES: Final = (
    Measure("cpu_usage_core_hours", CPU_USAGE, True, 1, most=MOST_CORES),
    Measure("memory_usage_gib_hours", MEMORY_USAGE, False, GIB),
    Measure(
        "gpu_usage_gpu_hours", GPU_USAGE, False, _PERCENT, parts=("gpu", "UUID"), most=MOST_GPUS
    ),
    Measure(
        "network_receive_gib",
        NETWORK_RECEIVE,
        True,
        GIB / HOUR_SECONDS,
        parts=("interface",),
        of_pod=True,
    ),
    Measure(
        "network_transmit_gib",
        NETWORK_TRANSMIT,
        True,
        GIB / HOUR_SECONDS,
        parts=("interface",),
        of_pod=True,
    ),
)


def measure_usage(
    readings: Readings,
    pods: Pods,
    vocabulary: Vocabulary,
    running: Iterable[PodOnNode],
    measure: Measure,
    there: Mapping[str, float],
    began: Container[tuple[str, str]] = (),
) -> Mapping[tuple[PodOnNode, str], float]:
    """An hour of a measure by pod and container (empty for a measure of whole pods).

    The mean over the scrapes of its own target, the kubelet of its node, for as long as the node
    was there: a container that has died is no gap, and a kubelet that was not scraped used no
    less. Of a target that was scraped for less than half of that time nothing is told. A counter's
    first scrape is the beginning of what is known of it, but for the CPU of a pod that began
    within the hour, whose counter rose from 0. (The network's does not: a pod on the network of
    its node shows the node's counter.)

    Args:
        readings: The hour.
        pods: The expressions for its pods.
        vocabulary: What its metrics are called.
        running: The pods that ran in the hour.
        measure: What to measure.
        there: The part of the hour for which each node was there.
        began: The namespaces and names of pods that began within the hour.
    """
    metric = vocabulary.get(measure.metric)
    if metric is None or metric.label("pod") not in metric.labels:
        return {}
    target = _target(metric)
    by_target = readings.counted(lambda window: measure.scraped(metric, window), target)
    if not by_target:
        return {}
    most = max(by_target.values())
    scale = 1 / (_scrapes(readings, metric, measure) * measure.unit)
    bearers = Counter((pod.namespace, pod.pod) for pod in running)
    alone = {pod[:2]: pod for pod in running if bearers[pod[:2]] == 1}
    used: dict[tuple[PodOnNode, str], float] = {}
    labels = (*metric.spelled("namespace", "pod", "container"), *target)
    sums = readings.summed(lambda window: measure.expression(metric, window), labels)
    hours_of = _hours(there, ((alone.get((key[0], key[1])), key[3:]) for key in sums))
    for (namespace, name, container, *of), value in sums.items():
        if not (pod := alone.get((namespace, name))):
            continue
        scrapes = by_target[tuple(of)]
        hours = hours_of[tuple(of)] if of else 1
        # A counter's first scrape shows no rise.
        if scrapes + 1 < _LEAST_COVERAGE * hours * most:
            continue
        key = pod, container
        amount = value * hours / (scrapes * measure.unit)
        # Two that scrape one container say the same; what is no number stays none.
        if key not in used or not amount <= used[key]:
            used[key] = amount
    for key, value in _of_namesakes(readings, pods, metric, measure, bearers).items():
        used[key] = value * scale
    if measure.metric == CPU_USAGE and (new := [pod for pod in alone if pod in began]):
        for (namespace, name, container), seconds in _first_seconds(readings, metric).items():
            if (namespace, name) in new:
                key = alone[namespace, name], container
                used[key] = used.get(key, 0) + seconds / HOUR_SECONDS
    return used


def _hours(
    there: Mapping[str, float], seen: Iterable[tuple[PodOnNode | None, tuple[str, ...]]]
) -> Mapping[tuple[str, ...], float]:
    """For which part of the hour each target's nodes were there; one may stand for several."""
    nodes: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for pod, target in seen:
        if pod:
            nodes[target].add(pod.node)
    return {target: min(1, sum(there.get(one, 1) for one in of)) for target, of in nodes.items()}


def _scrapes(readings: Readings, metric: Metric, measure: Measure) -> float:
    """In how many slots anything was measured."""
    anything = readings.counted(lambda window: f"group({measure.scraped(metric, window)})")
    return anything.get((), 0)


def _first_seconds(readings: Readings, metric: Metric) -> Mapping[tuple[str, ...], float]:
    """What the counters of each container showed when they were first seen, in core-seconds."""
    who = metric.spelled("namespace", "pod", "container")
    container = who[-1]
    # A container that was started again has counters of another id.
    each = [*who, *(name for name in ("id", "name") if name in metric.labels)]
    series = metric.series(f'{container}!=""', f'{container}!="POD"')
    first: dict[tuple[str, ...], float] = {}
    for labels, value in readings.each(
        lambda window: (
            f"max by ({', '.join(each)})"
            f" (min_over_time({during(series, window.end - window.start)}))"
        )
    ):
        key = tuple(labels.get(name, "") for name in each)
        first[key] = min(first.get(key, value), value)
    seconds: dict[tuple[str, ...], float] = defaultdict(float)
    for key, value in first.items():
        seconds[key[: len(who)]] += value
    return seconds


def _of_namesakes(
    readings: Readings,
    pods: Pods,
    metric: Metric,
    measure: Measure,
    bearers: Mapping[tuple[str, str], int],
) -> dict[tuple[PodOnNode, str], float]:
    """The same for pods that bore one name in turn, or on several nodes.

    The exporter knows names only; who bore the name is looked up slot by slot.
    """
    names = sorted({name for (_, name), count in bearers.items() if count > 1})
    used = {}
    namespace, pod, uid, node = pods.labels
    renamed = dict(zip(metric.spelled("namespace", "pod"), (namespace, pod), strict=True))
    waiting = [names[at : at + _PODS_AT_ONCE] for at in range(0, len(names), _PODS_AT_ONCE)]
    while waiting:
        some = waiting.pop(0)

        def expression(window: Window, some: list[str] = some) -> str:
            value = measure.expression(metric, window, one_of(metric.label("pod"), some))
            if target := _target(metric):
                value = f"max without ({', '.join(target)}) ({value})"
            for here, there in renamed.items():
                if here != there:
                    value = f'label_replace({value}, "{there}", "$1", "{here}", "(.*)")'
            # Replicas of kube-state-metrics may see two bearers in one slot: one of them counts.
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
