"""The company's machines outside its clusters, and what a machine costs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from infraspend.simulation.clock import utc
from infraspend.simulation.plan.company import (
    DATA,
    EAST,
    EDGE,
    IN_SANDBOX,
    LINUX,
    PRODUCTION,
    SANDBOX,
    UNMARKED,
    WEST,
    WINDOWS,
    Mark,
    named,
    tagged,
)
from infraspend.simulation.units import units


@dataclass(frozen=True)
class InstanceType:
    """An EC2 instance type: its size, and what an hour of it costs (units of a dollar).

    `normalized_units` is AWS's size factor, by which a regional reservation is shared out;
    `plan_rate` is what the hour costs under the savings plan.
    """

    name: str
    vcpus: int
    memory_gib: int
    gpus: int
    normalized_units: int
    on_demand: int
    plan_rate: int

    @cached_property
    def family(self) -> str:
        """The part of the name that types of different sizes share: `c5`."""
        return self.name.split(".")[0]


INSTANCE_TYPES = {
    name: InstanceType(name, vcpus, gib, gpus, factor, units(on_demand), units(plan_rate))
    for name, vcpus, gib, gpus, factor, on_demand, plan_rate in (
        ("c5.xlarge", 4, 8, 0, 8, "0.17", "0.12"),
        ("c5.2xlarge", 8, 16, 0, 16, "0.34", "0.24"),
        ("c5.9xlarge", 36, 72, 0, 72, "1.53", "1.08"),
        ("c5.18xlarge", 72, 144, 0, 144, "3.06", "2.16"),
        ("g5.xlarge", 4, 16, 1, 8, "1.006", "0.74"),
        ("m5.large", 2, 8, 0, 4, "0.096", "0.07"),
        ("m5.xlarge", 4, 16, 0, 8, "0.192", "0.14"),
        ("m5.4xlarge", 16, 64, 0, 32, "0.768", "0.56"),
        ("r5.xlarge", 4, 32, 0, 8, "0.252", "0.19"),
        ("r5.4xlarge", 16, 128, 0, 32, "1.008", "0.76"),
        ("t3.medium", 2, 4, 0, 2, "0.0416", "0.032"),
    )
}
#: What a licence adds to an hour of a machine.
LICENCE = {LINUX: 0, WINDOWS: units("0.092")}


@dataclass(frozen=True, eq=False)
class Fleet:
    """The machines of one service outside the clusters, by day and by night."""

    service: str
    account: str
    instance_type: str
    by_day: int
    by_night: int
    mark: Mark
    region: str = EAST
    operating_system: str = LINUX


FLEETS = (
    Fleet("payments", PRODUCTION, "m5.xlarge", 3, 3, tagged("payments", " payments", "payments")),
    Fleet("ledger", PRODUCTION, "m5.xlarge", 2, 2, tagged("ledger", team="payments")),
    Fleet("documents", PRODUCTION, "m5.large", 1, 1, tagged("documents"), EAST, WINDOWS),
    Fleet("routing", PRODUCTION, "c5.2xlarge", 2, 2, named("routing", 7)),
    Fleet("ci", PRODUCTION, "m5.large", 3, 0, tagged("ci", "CI")),
    Fleet("scratch", PRODUCTION, "m5.large", 1, 1, UNMARKED),
    Fleet("event-ingest", DATA, "c5.xlarge", 3, 2, tagged("event-ingest")),
    Fleet("feature-store", DATA, "r5.xlarge", 2, 2, tagged("feature-store")),
    Fleet("spark", DATA, "c5.2xlarge", 1, 3, tagged("spark", "Spark")),
    Fleet("tiles", EDGE, "c5.xlarge", 2, 1, tagged("tiles", "Tiles", "maps"), WEST),
    Fleet("sandbox", SANDBOX, "t3.medium", 1, 1, IN_SANDBOX),
)


@dataclass(frozen=True)
class Migration:
    """A service that leaves its machines for a cluster, step by step between two moments."""

    fleet: Fleet
    cluster: str
    pods: int
    begins: datetime
    ends: datetime

    def moved_thousandths(self, hour: datetime) -> int:
        """How much of the service runs in the cluster: 0 to 1000."""
        seconds = int((min(max(hour, self.begins), self.ends) - self.begins).total_seconds())
        return 1000 * seconds // int((self.ends - self.begins).total_seconds())


MIGRATION = Migration(
    Fleet("matching", PRODUCTION, "c5.2xlarge", 6, 6, tagged("matching", "Matching", "dispatch")),
    cluster="core-1",
    pods=12,
    begins=utc("2026-09-28"),
    ends=utc("2026-11-09"),
)
