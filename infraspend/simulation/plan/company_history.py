"""What the company was like in its history: smaller, and more of it on machines of its own.

The history is billed by the day, and the hours of a day are alike: each has what the day has on
average. So a day of it costs the simulation no more than an hour.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache

from infraspend.simulation.clock import BEGINNING, LAST_DAY, is_working_hours, utc
from infraspend.simulation.plan.chance import Chance
from infraspend.simulation.plan.company import PRODUCTION, tagged
from infraspend.simulation.plan.company_clusters import Cluster, NodeGroup, Workload
from infraspend.simulation.plan.company_machines import Fleet, Migration
from infraspend.simulation.plan.company_platforms import KUBERNETES, SUB_PLATFORMS
from infraspend.simulation.units import TWENTIETHS

_HOURS = range(24)
_WORKING_HOURS = sum(is_working_hours(BEGINNING.replace(hour=hour)) for hour in _HOURS)
_MINUTES_OF_A_DAY = 24 * 60
#: Until the last month of the history one pod stands for four.
_PODS_IN_ONE = 4
_EACH_POD_FROM = utc("2026-10-01")
#: What the sandbox of a pod asks for beside its containers.
_OVERHEAD_MIB = 36
_GROWTH_OF_A_MONTH_PERCENT = 3

CLOSED = {
    "2026-05": "75d0db35-bdbe-c5d8-ac04-c401c5ef67a7",
    "2026-06": "b0a4aa06-ea14-8b7b-eb9f-40ce3ba7756e",
    "2026-07": "dc4e70bc-5f6a-f641-0619-f12f1af71284",
}
"""The months that were charged back, and the deliveries that they were closed with."""

#: What of an hour the things are there that a day adds, in twentieths.
OF_A_DAY = TWENTIETHS * _WORKING_HOURS // len(_HOURS)
#: What is demanded in an average hour, in hundredths of a busy one.
AVERAGE_PERCENT = 79


def _moved(service: str, machines: int, cluster: str, begins: str, ends: str) -> Migration:
    fleet = Fleet(service, PRODUCTION, "c5.2xlarge", machines, machines, tagged(service))
    return Migration(fleet, cluster, 0, utc(begins), utc(ends))


#: The services that have left their machines; what they are in the cluster stands there.
MIGRATIONS = (
    _moved("driver-api", 7, "core-0", "2025-11-03", "2026-01-12"),
    _moved("rider-api", 8, "core-0", "2026-01-19", "2026-03-23"),
    _moved("pricing", 7, "core-0", "2026-03-30", "2026-06-01"),
    _moved("dispatch-api", 3, "core-1", "2026-08-03", "2026-08-31"),
    _moved("eta", 4, "core-1", "2026-08-24", "2026-09-28"),
)
_MIGRATION_OF = {one.fleet.service: one for one in MIGRATIONS}

#: How many nodes a group had until a day; those that join for a part of the day came last.
_NODES = {
    ("core-0", "general"): (("2025-11-24", 1), ("2026-02-16", 2)),
    ("core-0", "small"): (("2026-04-13", 0),),
    ("core-1", "general"): (("2026-08-31", 1),),
    ("core-1", "small"): (("2026-08-03", 0), ("2026-09-07", 1)),
}
_JOINED_FROM = {"core-0": utc("2026-06-15"), "core-1": utc("2026-09-07")}


def delivery_name(chance: Chance, period: str) -> str:
    """AWS's name for the last delivery of a month: the same for every seed if it was closed."""
    return CLOSED.get(period) or chance.uuid("delivery", period)


def nodes_on(cluster: Cluster, group: NodeGroup, day: datetime) -> int:
    """How many nodes of a group ran all day."""
    for until, count in _NODES.get((cluster.name, group.name), ()):
        if day < utc(until):
            return count
    return group.always


def joined_on(cluster: Cluster, group: NodeGroup, day: datetime) -> int:
    """What of each hour the nodes were there that join for a part of the day, in twentieths."""
    if day < _JOINED_FROM.get(cluster.name, day):
        return 0
    return TWENTIETHS * (group.leaves - group.joins) // _MINUTES_OF_A_DAY


def is_open(cluster: Cluster, moment: datetime) -> bool:
    """Whether there was such a cluster already."""
    return moment >= SUB_PLATFORMS[KUBERNETES, cluster.name].since


def grown_percent(day: datetime) -> int:
    """How much there was of what grows with the company, in hundredths of today's."""
    months = 12 * (LAST_DAY.year - day.year) + LAST_DAY.month - day.month
    return 100 - _GROWTH_OF_A_MONTH_PERCENT * months


@cache
def _minutes_of_a_day(workload: Workload) -> int:
    """How long all pods of a workload run in a day today."""
    return workload.minutes * sum(
        workload.by_day if is_working_hours(BEGINNING.replace(hour=hour)) else workload.by_night
        for hour in workload.hours
    )


def on_average(cluster: Cluster, workload: Workload, day: datetime) -> Workload:
    """A workload as it was in each hour of a day: fewer pods of one container, as large as all."""
    running = _minutes_of_a_day(workload)
    migration = _MIGRATION_OF.get(workload.namespace)
    if migration and migration.cluster == cluster.name:
        running = running * migration.moved_thousandths(day) // 1000
    in_one = 1 if day >= _EACH_POD_FROM else _PODS_IN_ONE
    pods = -(-running // (_MINUTES_OF_A_DAY * in_one))
    minutes = max(1, pods * _MINUTES_OF_A_DAY)
    millicores = sum(container[1] for container in workload.containers) * running // minutes
    mib = sum(container[2] for container in workload.containers) * running // minutes
    # In whole fours, of which there are exact twentieths.
    mib = mib // 4 * 4 + _OVERHEAD_MIB
    kind = "Deployment" if workload.kind == "Job" else workload.kind
    return Workload(
        *(
            workload.namespace,
            workload.name,
            pods,
            pods,
            (("app", millicores, mib),),
            kind,
        ),
        gpus=workload.gpus,
        labels=workload.labels,
    )
