"""How stacks are split, worked out in whole numbers, apart from the models: nothing is theirs.

Amounts are counted in 27720ths of ten-billionths, so that gaps are filled without rounding; what is
scaled down is rounded down there.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from tests.generated_platforms.stacks import (
    HOURS,
    RESOURCES,
    SINGLED_OUT,
    Charge,
    Layer,
    Pod,
    Stack,
)

ALL, FREE, UNATTRIBUTED = "all", "free", "unattributed"
ONE = 10**10
STRONGEST_FIRST = (
    *("measured", "pushed", "ready_made", "sub_platform"),
    *("interpolated", "carried_forward", UNATTRIBUTED),
)

_STEPS = 27720
_WHOLE_SHARE = 2772 * 10**17
_PRICES = {"cpu": 9000, "memory": 1000, "gpu": 90000}

Weights = dict[str, int]


@dataclass
class Held:
    """What labels held of a resource of a pool, and what was offered of it."""

    by_label: Weights
    offered: int = 0

    @property
    def total(self) -> int:
        return sum(self.by_label.values())


# Pool -> resource -> what was held.
Holdings = dict[str, dict[str, Held]]


@dataclass(frozen=True)
class Schedule:
    """Label -> ten-billionths: as it splits, and before anything was done about free capacity.

    Attributes:
        bases: Label -> how well its share is known.
    """

    served: Weights
    measured: Weights
    bases: Mapping[str, str]

    @property
    def weakest(self) -> str:
        return weaker(*self.bases.values())


@dataclass(frozen=True)
class Step:
    """A platform that a part of a charge went through."""

    place: tuple[str, str]
    pool: str
    cost_model: str
    lacks_pool: bool = False

    def __str__(self) -> str:
        pool = "sub_platform" if self.lacks_pool else self.pool
        return f"{self.place[0]}: {self.place[1]} ({pool}, {self.cost_model})"


@dataclass(frozen=True)
class Part:
    """Who has how many ten-billionths of a charge, and through which platforms."""

    label: str
    steps: tuple[Step, ...]
    basis: str
    units: int


@dataclass(frozen=True)
class Throughput:
    """What of a charge came to a platform, and what of it nobody held there."""

    step: Step
    units: int
    free_units: int


def weaker(*bases: str) -> str:
    return max(bases, key=STRONGEST_FIRST.index)


def allocate(whole: int, weights: Weights) -> Weights:
    """Allocates units by weight: rounded down, then the largest remainders, then the labels."""
    total = sum(weights.values())
    if total == 0:
        weights, total = dict.fromkeys(weights, 1), len(weights)
    allocated = {label: whole * weight // total for label, weight in weights.items()}
    winners = sorted(weights, key=lambda label: (-(whole * weights[label] % total), label))
    for label in winners[: whole - sum(allocated.values())]:
        allocated[label] += 1
    return allocated


class SubPlatform:
    """The schedules of a sub-platform."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        # A cluster that was scraped and named no pod is not empty: its pods are not known.
        needs_pods = layer.source == "kubernetes" and self.cost_models() != {"storage"}
        self._good = sorted(
            hour
            for hour, seen in layer.seen.items()
            if seen.is_good and (seen.pods or not needs_pods)
        )
        self.calendar = sorted({*range(layer.expected_from, HOURS), *layer.seen})
        self._holdings = {hour: _holdings(layer, hour) for hour in self._good}

    def cost_models(self) -> set[str]:
        """Every cost model that something of it is split by."""
        models = {era.cost_model for era in self.layer.eras}
        return models | ({self.layer.singled_out} - {None})  # type: ignore[operator]

    def schedule(self, hour: int, hours: int, pool: str, cost_model: str) -> Schedule | None:
        """The schedule of an interval; None if the interval, or the pool in it, is not known."""
        asked = [one for one in self.calendar if hour <= one < hour + hours]
        bases = [(one, *self._gap_filling(one)) for one in asked]
        known = [(one, basis, sources) for one, basis, sources in bases if basis != UNATTRIBUTED]
        unknown = len(asked) - len(known)
        if not known:
            if not asked or pool != ALL:
                return None
            return Schedule({UNATTRIBUTED: ONE}, {UNATTRIBUTED: ONE}, {UNATTRIBUTED: UNATTRIBUTED})
        served: Counter[str] = Counter()
        measured: Counter[str] = Counter()
        is_there = False
        for one, _, sources in known:
            holdings = _filled(self._holdings, sources)
            if pool != ALL and (pool not in holdings or cost_model == "storage"):
                continue
            is_there = True
            as_it_was, spread = _weights(holdings.get(pool, {}), cost_model)
            measured.update(as_it_was)
            is_spread = self.layer.era(one).free_policy == "spread"
            served.update(spread if is_spread else as_it_was)
        if not is_there:
            return None
        shares = [_with_unknown(dict(set_), len(known), unknown) for set_ in (served, measured)]
        basis = weaker(*(basis for _, basis, _ in known))
        labels = {label for share in shares for label in share}
        by_label = dict.fromkeys(labels, basis)
        if unknown:
            by_label[UNATTRIBUTED] = UNATTRIBUTED
        return Schedule(allocate(ONE, shares[0]), allocate(ONE, shares[1]), by_label)

    def _gap_filling(self, hour: int) -> tuple[str, list[tuple[int, int]]]:
        """The tier of gap filling, and which good hours give how many 27720ths of theirs."""
        layer = self.layer
        if hour in self._good:
            return "measured" if layer.source == "kubernetes" else layer.source, [(hour, _STEPS)]
        # Fixed shares fill no hours in which they are not, nor the other way round.
        is_fixed = layer.era(hour).cost_model == "fixed"
        source_hours = [
            one for one in self._good if (layer.era(one).cost_model == "fixed") == is_fixed
        ]
        before = [good for good in source_hours if good < hour][-1:]
        after = [good for good in source_hours if good > hour][:1]
        if before and is_fixed:
            return layer.source, [(before[0], _STEPS)]
        if before and after:
            since, until = hour - before[0], after[0] - hour
            if since + until - 1 <= layer.interpolate_hours:
                part = _STEPS // (since + until)
                return "interpolated", [(before[0], part * until), (after[0], part * since)]
        if before and hour - before[0] <= layer.carry_hours:
            return "carried_forward", [(before[0], _STEPS)]
        return UNATTRIBUTED, []


def _with_unknown(weights: Weights, known: int, unknown: int) -> Weights:
    """The weights of the hours that are known, next to those of the hours that are not."""
    total = sum(weights.values())
    weights = {label: weight or 1 for label, weight in weights.items() if weight or not total}
    if not unknown:
        return weights
    return {label: weight * known for label, weight in weights.items()} | {
        UNATTRIBUTED: max(total, 1) * unknown
    }


def _units(amount: Decimal) -> int:
    return int(amount * ONE)


def _filled(
    holdings: Mapping[int, dict[tuple[str, str, str | None], int]],
    sources: Iterable[tuple[int, int]],
) -> Holdings:
    """What the source hours held, in parts; a label that one of them lacks had nothing there."""
    filled: Holdings = {}
    for source_hour, parts in sources:
        for (pool, resource, label), amount in holdings[source_hour].items():
            held = filled.setdefault(pool, {}).setdefault(resource, Held({}))
            if label is None:
                held.offered += amount * parts
            else:
                held.by_label[label] = held.by_label.get(label, 0) + amount * parts
    return filled


def _holdings(layer: Layer, hour: int) -> dict[tuple[str, str, str | None], int]:
    """(Pool, resource, label) -> what it held in an hour; without a label, what was offered."""
    seen = layer.seen[hour]
    found: defaultdict[tuple[str, str, str | None], int] = defaultdict(int)
    speaks_of_whole = any(not pool for pool, _, _ in seen.published)
    for pool, label, amount in seen.published:
        found[pool or ALL, "usage", label] += _units(amount)
        if not speaks_of_whole:
            found[ALL, "usage", label] += _units(amount)
    has_types = layer.pool_by == "instance_type"
    for pod in seen.pods:
        for pool in {ALL, pod.instance_type if has_types else ALL}:
            for resource in RESOURCES:
                found[pool, resource, pod.namespace] += _units(_allocated(layer, pod, resource))
            found[pool, "network", pod.namespace] += _units(pod.network)
            found[pool, "disk_io", pod.namespace] += _units(pod.disk_io)
            found[pool, "pods", pod.namespace] += ONE
    for instance_type, offered in seen.nodes:
        for pool in {ALL, instance_type if has_types else ALL}:
            for resource in RESOURCES:
                found[pool, resource, None] += _units(offered[resource])
    for namespace, gib in seen.volumes:
        found[ALL, "storage", None] += _units(gib)
        if namespace is not None:
            found[ALL, "storage", namespace] += _units(gib)
    return found


def _allocated(layer: Layer, pod: Pod, resource: str) -> Decimal:
    requested, used = pod.requested[resource], pod.used[resource]
    match layer.allocation_base:
        case "request":
            return requested
        case "usage":
            return used
        case _:
            return max(requested, used)


def _weights(pool: Mapping[str, Held], cost_model: str) -> tuple[Weights, Weights]:
    """The weights of a pool, as they were and with what was free spread over those who held."""
    match cost_model:
        case "weighted":
            weights, spread = _weighted(pool)
        case "max":
            weights = spread = _largest(pool)
        case "even":
            held = pool.get("usage", pool.get("pods", Held({})))
            present = (label for label, amount in held.by_label.items() if amount)
            weights = spread = {label: 1 for label in present if label != FREE}
        case _:
            held = pool.get("usage" if cost_model in ("usage", "fixed") else cost_model, Held({}))
            weights = {label: amount for label, amount in held.by_label.items() if amount}
            if held.offered > held.total:
                weights[FREE] = held.offered - held.total
            spread = weights
    if cost_model != "weighted" and any(label != FREE for label in spread):
        spread = {label: weight for label, weight in spread.items() if label != FREE}
    return weights or {FREE: 0}, spread or weights or {FREE: 0}


def _largest(pool: Mapping[str, Held]) -> Weights:
    weights: Weights = {}
    for resource in RESOURCES:
        held = pool.get(resource, Held({}))
        for label, amount in held.by_label.items():
            if amount:
                share = amount * _WHOLE_SHARE // max(held.offered, held.total)
                weights[label] = max(weights.get(label, 0), share)
    free = _WHOLE_SHARE - sum(weights.values())
    # Every share was rounded down by less than a unit; a pool of nothing has no free part.
    if free >= len(weights) and any(pool[one].offered for one in RESOURCES if one in pool):
        weights[FREE] = free
    return weights


def _weighted(pool: Mapping[str, Held]) -> tuple[Weights, Weights]:
    weights: Counter[str] = Counter()
    spread: Counter[str] = Counter()
    for resource, price in _PRICES.items():
        held = pool.get(resource, Held({}))
        offered = held.offered or held.total
        for label, amount in held.by_label.items():
            if amount:
                part = amount * offered // held.total
                weights[label] += price * min(amount, part)
                spread[label] += price * part
        if held.offered > held.total:
            weights[FREE] += price * (held.offered - held.total)
        if held.offered and not held.total:
            spread[FREE] += price * held.offered
    if not any(label != FREE for label in spread):
        return dict(weights), dict(weights)
    return dict(weights), dict(spread)


class Splitter:
    """Splits the charges of a stack."""

    def __init__(self, stack: Stack) -> None:
        self.layers = [SubPlatform(layer) for layer in stack.layers]

    def split(self, charge: Charge) -> tuple[list[Part], list[Throughput]]:
        """The parts of a charge, which add up to 1, and what passed through each platform."""
        lowest = self.layers[0]
        layer = lowest.layer
        cost_model = layer.era(charge.hour).cost_model
        if charge.product == SINGLED_OUT and layer.singled_out:
            cost_model = layer.singled_out
        has_pool = bool(charge.instance_type) and layer.pool_by == "instance_type"
        pool = charge.instance_type if has_pool else ALL
        lacks_pool = False
        if lowest.schedule(charge.hour, charge.hours, pool, cost_model) is None:
            pool = ALL
            whole = lowest.schedule(charge.hour, charge.hours, ALL, cost_model)
            # A later tier of gap filling says more than this one.
            lacks_pool = (
                has_pool
                and whole is not None
                and weaker(whole.weakest, "sub_platform") != whole.weakest
            )
        step = Step(layer.place, pool, cost_model, lacks_pool)
        start = Part(layer.label, (step,), "sub_platform" if lacks_pool else "measured", ONE)
        throughputs: list[Throughput] = []
        return list(self._divided(start, 0, charge, throughputs)), throughputs

    def _divided(
        self, whole: Part, level: int, charge: Charge, throughputs: list[Throughput]
    ) -> Iterator[Part]:
        layer, step = self.layers[level].layer, whole.steps[-1]
        schedule = self.layers[level].schedule(
            charge.hour, charge.hours, step.pool, step.cost_model
        )
        if schedule is None:
            throughputs.append(Throughput(step, whole.units, 0))
            yield Part(whole.label, whole.steps, UNATTRIBUTED, whole.units)
            return
        free_units = allocate(whole.units, schedule.measured).get(FREE, 0)
        throughputs.append(Throughput(step, whole.units, free_units))
        above = self.layers[level + 1].layer if level + 1 < len(self.layers) else None
        goes_back = {UNATTRIBUTED}
        if layer.era(charge.hour).free_policy == "owner":
            goes_back.add(FREE)
        for label, units in allocate(whole.units, schedule.served).items():
            basis = weaker(whole.basis, schedule.bases[label])
            if label in goes_back:
                yield Part(whole.label, whole.steps, basis, units)
            elif above is not None and label == above.label:
                step = Step(above.place, ALL, above.era(charge.hour).cost_model)
                part = Part(label, (*whole.steps, step), basis, units)
                yield from self._divided(part, level + 1, charge, throughputs)
            else:
                yield Part(label, whole.steps, basis, units)
