"""The small data set: what was collected is what is true, to the last digit."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from infraspend.loaders import kubernetes
from tests.loaders.queries import rows as landed_rows
from tests.tracker.reading import FIRST, FIXTURES, NOW, collect, coverage, rows, source

HOURS = 4
SCRAPES = 60


def truth(cluster: str) -> Iterator[tuple[dict[str, str], datetime, int]]:
    """Every pod of the truth, each hour that it ran in, and in how many scrapes of it.

    A pod ran in a scrape at or after `running_from` and before `running_to`.
    """
    with (FIXTURES / "small.truth.csv").open() as content:
        for pod in csv.DictReader(content):
            if f"cluster-{pod['cluster']}" != cluster:
                continue
            start, end = int(pod["running_from"]), int(pod["running_to"])
            for number in range(HOURS):
                hour = FIRST + timedelta(hours=number)
                first = int((hour - datetime(1970, 1, 1)).total_seconds())
                seen = sum(start <= first + 60 * scrape < end for scrape in range(SCRAPES))
                if seen:
                    yield pod, hour, seen


# kube-state-metrics 1 watches the first cluster and has no uid, 2 the second.
@pytest.mark.parametrize(("cluster", "has_uid"), [("cluster-0", False), ("cluster-1", True)])
def test_core_hours_are_the_truth(server: str, tmp_path: Path, cluster: str, has_uid: bool) -> None:
    expected: dict[tuple[object, ...], list[Decimal]] = {}
    for pod, hour, seen in truth(cluster):
        uid = pod["uid"] if has_uid else ""
        key = (hour, pod["node"], pod["instance_type"], pod["namespace"], pod["pod"], uid)
        hours = Decimal(seen) / SCRAPES
        expected[key] = [
            hours.quantize(Decimal("1e-10")),
            (hours * Decimal(pod["cpu_request"])).quantize(Decimal("1e-10")),
            (hours * Decimal(pod["mem_request"]) / 2**30).quantize(Decimal("1e-10")),
        ]

    collect(source(server, cluster), tmp_path, HOURS)

    found = rows(
        tmp_path,
        "container_hours",
        "usage_hour, node, instance_type, namespace, pod, uid, running_hours,"
        " cpu_request_core_hours, memory_request_gib_hours",
    )
    assert {row[:6]: list(row[6:]) for row in found} == expected
    assert len(found) == len(expected) > 40
    assert coverage(tmp_path) == [(SCRAPES, SCRAPES)] * HOURS


def test_usage_is_what_the_counters_rose_by(server: str, tmp_path: Path) -> None:
    collect(source(server, "cluster-0"), tmp_path, HOURS)

    # Every container uses 0.4 of the CPU and half of the memory that it requests.
    ratios = rows(
        tmp_path,
        "container_hours",
        "cpu_usage_core_hours / cpu_request_core_hours,"
        " memory_usage_gib_hours / memory_request_gib_hours, running_hours",
    )
    whole = [(cpu, memory) for cpu, memory, hours in ratios if hours == 1]
    assert len(whole) > 30
    assert whole == [(pytest.approx(0.4), pytest.approx(0.5))] * len(whole)
    # What a counter rose by before its first scrape is not known.
    assert all(cpu <= 0.4 + 1e-9 for cpu, _, _ in ratios)
    assert {round(memory, 6) for _, memory, _ in ratios} == {0.5}


def test_capacity_is_by_node(server: str, tmp_path: Path) -> None:
    collect(source(server, "cluster-1"), tmp_path)

    whole = ("us-east-1a", 1)
    assert rows(
        tmp_path,
        "node_hours",
        "node, instance_type, provider_id, zone, running_hours::int, cpu_capacity_core_hours::int,"
        " memory_capacity_gib_hours::int, gpu_capacity_gpu_hours::int",
    ) == [
        (
            "ip-10-1-0-0.ec2.internal",
            "m5.4xlarge",
            "aws:///us-east-1a/i-01000000",
            *whole,
            16,
            64,
            0,
        ),
        (
            "ip-10-1-0-1.ec2.internal",
            "p3.2xlarge",
            "aws:///us-east-1a/i-01000001",
            *whole,
            8,
            61,
            1,
        ),
        (
            "ip-10-1-0-2.ec2.internal",
            "p3.2xlarge",
            "aws:///us-east-1a/i-01000002",
            *whole,
            8,
            61,
            1,
        ),
    ]


def test_what_was_collected_lands(server: str, tmp_path: Path) -> None:
    collect(source(server, "cluster-0"), tmp_path / "collected", HOURS)
    warehouse = tmp_path / "warehouse.duckdb"

    result = kubernetes.load(warehouse, str(tmp_path / "collected"))

    assert (result.landed, result.rejected) == (1, 0)
    assert landed_rows(
        warehouse,
        "select namespace, sum(cpu_request_core_hours) from raw_kubernetes.container_hours"
        " group by namespace order by namespace",
    ) == sorted(_by_namespace("cluster-0").items())
    ((collected_at,),) = landed_rows(
        warehouse, "select collected_at from raw_kubernetes.collections"
    )
    assert collected_at != NOW


def _by_namespace(cluster: str) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for pod, _, seen in truth(cluster):
        hours = Decimal(seen) / SCRAPES * Decimal(pod["cpu_request"])
        totals[pod["namespace"]] += hours.quantize(Decimal("1e-10"))
    return totals
