"""How charges are truly split: platform by platform, until what is left belongs to somebody.

A part that a platform gives to a label goes on to the platform that all of the label belongs to,
which shares it out among its own users. Only whole ten-billionths of a charge are handed on, and
the charge is multiplied once, at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from infraspend.simulation.plan.company_platforms import RESOURCES, Resource, SubPlatform
from infraspend.simulation.truth.schedules import Key, Schedules
from infraspend.simulation.truth.shares import allocate_by_label
from infraspend.simulation.truth.weights import ALL, FREE
from infraspend.simulation.units import ONE

_STRONGEST_FIRST = (
    *("measured", "pushed", "ready_made", "sub_platform", "interpolated", "carried_forward"),
)

#: Whatever carries one of these labels belongs to a sub-platform, handed on or not.
_WHOLE_LABELS = {one.label: one for one in RESOURCES if one.is_all_of_label}


class Step(NamedTuple):
    """A platform that a part of a charge went through.

    `lacks_pool` is true where the hour does not know the pool that the charge pays for.
    """

    sub_platform: SubPlatform
    pool: str
    cost_model: str
    lacks_pool: bool

    def __str__(self) -> str:
        pool = "sub_platform" if self.lacks_pool else self.pool
        platform, name = self.sub_platform.place
        return f"{platform}: {name} ({pool}, {self.cost_model})"


class Part(NamedTuple):
    """What a label has of a charge, in ten-billionths: `steps` are the platforms that split it."""

    label: str
    steps: tuple[Step, ...]
    basis: str | None
    units: int

    @property
    def via(self) -> str:
        """The path before the last platform."""
        return " > ".join(map(str, self.steps[:-1]))


class Throughput(NamedTuple):
    """What of a charge passed through a platform, and what of it nobody held there."""

    step: Step
    units: int
    free_units: int


class Splitting(NamedTuple):
    """A charge, split: the parts add up to 1."""

    parts: list[Part]
    throughputs: list[Throughput]


class Levels:
    """Splits the charges of an hour."""

    def __init__(self, schedules: Schedules) -> None:
        self._schedules = schedules
        self._known: dict[tuple[Resource, str], Splitting] = {}

    def split(self, label: str, product: str, usage_type: str, instance_type: str) -> Splitting:
        """Splits a charge by what it is; one that no platform splits stays with its label."""
        for resource in RESOURCES:
            if self._is_there(resource) and resource.has(label, product, usage_type):
                pool = instance_type if resource.sub_platform.has_pools else ""
                if (resource, pool) not in self._known:
                    self._known[resource, pool] = self._splitting(resource, pool)
                return self._known[resource, pool]
        return Splitting([Part(label, (), None, ONE)], [])

    def _is_there(self, resource: Resource) -> bool:
        """Whether anybody shares out the sub-platform yet."""
        return Key(resource.sub_platform, resource.cost_model, ALL) in self._schedules

    def _splitting(self, resource: Resource, wanted_pool: str) -> Splitting:
        sub_platform, cost_model = resource.sub_platform, resource.cost_model
        has_pool = Key(sub_platform, cost_model, wanted_pool) in self._schedules
        lacks_pool = bool(wanted_pool) and not has_pool
        step = Step(sub_platform, wanted_pool if has_pool else ALL, cost_model, lacks_pool)
        throughputs: list[Throughput] = []
        parts = list(self._divided(Part(resource.label, (step,), None, ONE), throughputs))
        return Splitting(parts, throughputs)

    def _divided(self, whole: Part, throughputs: list[Throughput]) -> Iterator[Part]:
        """Divides a part among the users of the last of its steps, and notes what passes there."""
        step = whole.steps[-1]
        schedule = self._schedules[Key(step.sub_platform, step.cost_model, step.pool)]
        free_units = allocate_by_label(whole.units, schedule.with_free).get(FREE, 0)
        throughputs.append(Throughput(step, whole.units, free_units))
        basis = _weaker(whole.basis, "sub_platform" if step.lacks_pool else "", schedule.basis)
        for label, units in allocate_by_label(whole.units, schedule.shares).items():
            if label == FREE and step.sub_platform.free_policy == "owner":
                # It goes back to whom it came from, and no further.
                yield Part(whole.label, whole.steps, basis, units)
                continue
            part = Part(label, whole.steps, basis, units)
            next_step = self._next_step(part)
            if next_step is None:
                yield part
            else:
                yield from self._divided(part._replace(steps=(*part.steps, next_step)), throughputs)

    def _next_step(self, part: Part) -> Step | None:
        """The platform that the label belongs to, unless it has split the part already."""
        resource = _WHOLE_LABELS.get(part.label)
        if resource is None or not self._is_there(resource):
            return None
        if any(step.sub_platform is resource.sub_platform for step in part.steps):
            return None
        return Step(resource.sub_platform, ALL, resource.cost_model, lacks_pool=False)


def _weaker(*bases: str | None) -> str:
    return max(filter(None, bases), key=_STRONGEST_FIRST.index)
