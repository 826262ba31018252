"""Which machines run in an hour, and for how much of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from infraspend.simulation.clock import is_working_hours
from infraspend.simulation.plan.chance import Chance
from infraspend.simulation.plan.company import EAST, LINUX, Mark
from infraspend.simulation.plan.company_clusters import CLUSTERS, Cluster, NodeGroup
from infraspend.simulation.plan.company_history import (
    MIGRATIONS,
    OF_A_DAY,
    is_open,
    joined_on,
    nodes_on,
)
from infraspend.simulation.plan.company_machines import (
    FLEETS,
    INSTANCE_TYPES,
    LICENCE,
    MIGRATION,
    Fleet,
    InstanceType,
    Migration,
)
from infraspend.simulation.units import TWENTIETHS

_MINUTES_OF_A_TWENTIETH = 60 // TWENTIETHS


@dataclass(frozen=True, eq=False)
class Machine:
    """An EC2 instance. `cluster` is empty for one that is no node of a cluster."""

    resource_id: str
    instance_type: InstanceType
    account: str
    mark: Mark
    region: str = EAST
    zone: str = ""
    operating_system: str = LINUX
    is_spot: bool = False
    cluster: str = ""
    node_pool: str = ""
    node: str = ""
    is_surge: bool = False

    @property
    def list_price(self) -> int:
        """What an hour of it costs on demand, in units of a dollar."""
        return self.instance_type.on_demand + LICENCE[self.operating_system]


@dataclass(frozen=True)
class Running:
    """A machine in an hour, in twentieths of the hour that it ran."""

    machine: Machine
    twentieths: int


def scaled(count: int, scale: float) -> int:
    """A count of things in a company that is `scale` times as large; something stays something."""
    return max(1, round(count * scale)) if count else 0


class Machines:
    """All machines of the company."""

    def __init__(self, chance: Chance, scale: float) -> None:
        self._chance = chance
        self._scale = scale
        self._known: dict[tuple[object, ...], Machine] = {}

    def running(self, hour: datetime) -> list[Running]:
        """The machines that run in an hour, always in the same order."""
        return [*self._fleets(hour), *self._nodes(hour)]

    def on_day(self, day: datetime) -> list[Running]:
        """The machines that run in each hour of a day of the history, always in the same order."""
        return [*self._fleets_on_day(day), *self._nodes_on_day(day)]

    def _fleets(self, hour: datetime) -> Iterator[Running]:
        for fleet in FLEETS:
            count = fleet.by_day if is_working_hours(hour) else fleet.by_night
            for number in range(scaled(count, self._scale)):
                yield Running(self._of_fleet(fleet, number), TWENTIETHS)
        yield from self._left_of(MIGRATION, hour)

    def _left_of(self, migration: Migration, hour: datetime) -> Iterator[Running]:
        """The machines of a service that have not gone yet."""
        left = migration.fleet.by_day * (1000 - migration.moved_thousandths(hour))
        for number in range(scaled(-(-left // 1000), self._scale)):
            yield Running(self._of_fleet(migration.fleet, number), TWENTIETHS)

    def _fleets_on_day(self, day: datetime) -> Iterator[Running]:
        for fleet in FLEETS:
            always, most = sorted((fleet.by_day, fleet.by_night))
            added = OF_A_DAY if fleet.by_day > fleet.by_night else TWENTIETHS - OF_A_DAY
            for number in range(scaled(most, self._scale)):
                is_always_there = number < scaled(always, self._scale)
                machine = self._of_fleet(fleet, number)
                yield Running(machine, TWENTIETHS if is_always_there else added)
        for migration in (*MIGRATIONS, MIGRATION):
            yield from self._left_of(migration, day)

    def _nodes_on_day(self, day: datetime) -> Iterator[Running]:
        for cluster in CLUSTERS:
            for group in cluster.groups if is_open(cluster, day) else ():
                for number in range(scaled(nodes_on(cluster, group, day), self._scale)):
                    machine = self._of_group(cluster, group, (number,), is_surge=False)
                    yield Running(machine, TWENTIETHS)
                if twentieths := joined_on(cluster, group, day):
                    for number in range(scaled(group.surge, self._scale)):
                        key = (number, day.date())
                        machine = self._of_group(cluster, group, key, is_surge=True)
                        yield Running(machine, twentieths)

    def _nodes(self, hour: datetime) -> Iterator[Running]:
        for cluster in CLUSTERS:
            for group in cluster.groups:
                for number in range(scaled(group.always, self._scale)):
                    machine = self._of_group(cluster, group, (number,), is_surge=False)
                    yield Running(machine, TWENTIETHS)
                twentieths = _overlap(hour, group.joins, group.leaves)
                if group.surge and twentieths:
                    for number in range(scaled(group.surge, self._scale)):
                        key = (number, hour.date())
                        machine = self._of_group(cluster, group, key, is_surge=True)
                        yield Running(machine, twentieths)

    def _of_fleet(self, fleet: Fleet, number: int) -> Machine:
        key = (fleet.service, number)
        if key not in self._known:
            self._known[key] = Machine(
                resource_id=f"i-{self._chance.hexadecimal(17, 'machine', *key)}",
                instance_type=INSTANCE_TYPES[fleet.instance_type],
                account=fleet.account,
                mark=fleet.mark,
                region=fleet.region,
                zone=f"{fleet.region}{'abc'[number % 3]}",
                operating_system=fleet.operating_system,
            )
        return self._known[key]

    def _of_group(
        self, cluster: Cluster, group: NodeGroup, number: tuple[object, ...], *, is_surge: bool
    ) -> Machine:
        key = (cluster.name, group.name, is_surge, *number)
        if key not in self._known:
            draw = self._chance.draw("address", *key)
            self._known[key] = Machine(
                resource_id=f"i-{self._chance.hexadecimal(17, 'machine', *key)}",
                instance_type=INSTANCE_TYPES[group.instance_type],
                account=cluster.account,
                mark=cluster.mark,
                zone=f"{EAST}{'abc'[draw % 3]}",
                is_spot=group.is_spot,
                cluster=cluster.name,
                node_pool=group.name,
                node=f"ip-10-{draw % 256}-{draw // 256 % 256}-{draw // 65536 % 256}.ec2.internal",
                is_surge=is_surge,
            )
        return self._known[key]


def _overlap(hour: datetime, joins: int, leaves: int) -> int:
    """Twentieths of an hour that lie between two minutes of its day."""
    begins = hour.hour * 60
    minutes = min(leaves, begins + 60) - max(joins, begins)
    return max(0, minutes) // _MINUTES_OF_A_TWENTIETH
