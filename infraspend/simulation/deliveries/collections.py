"""Writes what runs in the clusters as the usage tracker exports it: a collection a day."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from infraspend.simulation.clock import DAY, HOUR, stamp
from infraspend.simulation.files import Row, in_each_hour, set_time, table
from infraspend.simulation.plan.clusters import ClusterHour, Pod
from infraspend.simulation.plan.company import EAST
from infraspend.simulation.units import ONE, TWENTIETHS, share

_TEXT = pa.string()
_TIME = pa.timestamp("us")
_AMOUNT = pa.decimal128(25, 10)
_SAMPLES_OF_AN_HOUR = 60
_ALLOCATABLE_PERCENT = 95


def _schema(texts: str, amounts: str = "", counts: str = "") -> pa.Schema:
    return pa.schema(
        [("usage_hour", _TIME)]
        + [(name, _TEXT) for name in texts.split()]
        + [(name, _AMOUNT) for name in amounts.split()]
        + [(name, pa.int64()) for name in counts.split()]
    )


SCHEMAS = {
    "container_hours": _schema(
        "cluster node instance_type namespace pod uid container",
        "running_hours cpu_request_core_hours cpu_usage_core_hours memory_request_gib_hours"
        " memory_usage_gib_hours gpu_request_gpu_hours gpu_usage_gpu_hours network_receive_gib"
        " network_transmit_gib",
    ),
    "node_hours": _schema(
        "cluster node instance_type provider_id zone node_pool",
        "running_hours cpu_capacity_core_hours memory_capacity_gib_hours gpu_capacity_gpu_hours"
        " cpu_allocatable_core_hours memory_allocatable_gib_hours gpu_allocatable_gpu_hours",
    ),
    "volume_hours": _schema(
        "cluster volume volume_id storage_class namespace claim", "capacity_gib_hours"
    ),
    "pods": _schema("cluster namespace pod uid workload_kind workload_name labels"),
    "scrape_hours": _schema("cluster", counts="samples expected_samples"),
}


def write_collection(root: Path, cluster: str, hours: Sequence[ClusterHour]) -> None:
    """Writes what was seen of a cluster in hours of a day, or on days of the history."""
    first = datetime.combine(hours[0].hour, datetime.min.time())
    end = datetime.combine(hours[-1].hour, datetime.min.time()) + DAY
    hours = [one for one in hours if one.is_tracked]
    folder = root / f"cluster={cluster}" / f"{first:%Y%m%dT%H}_{end:%Y%m%dT%H}"
    folder.mkdir(parents=True, exist_ok=True)
    rows: dict[str, list[Row]] = {
        "container_hours": [row for one in hours for row in _containers(one)],
        "node_hours": [row for one in hours for row in _nodes(one)],
        "volume_hours": [row for one in hours for row in _volumes(one)],
        "pods": [row for one in hours for row in _pods(one)],
        "scrape_hours": [
            (one.hour, cluster, _SAMPLES_OF_AN_HOUR, _SAMPLES_OF_AN_HOUR) for one in hours
        ],
    }
    each = hours[0].hours
    for name, schema in SCHEMAS.items():
        pq.write_table(in_each_hour(table(rows[name], schema), each), folder / f"{name}.parquet")
    write_index(folder, cluster, first, end, {name: each * len(rows[name]) for name in SCHEMAS})


def write_index(
    folder: Path, cluster: str, first: datetime, end: datetime, rows: Mapping[str, int]
) -> None:
    """Writes the `collection.json` of a cluster's hours, last, because it makes the rest count.

    Args:
        folder: Where the tables lie, each in a file of its name.
        cluster: The cluster.
        first: The first hour that was collected.
        end: The hour after the last one.
        rows: How many rows each table has.
    """
    files = []
    for name in SCHEMAS:
        path = folder / f"{name}.parquet"
        content = path.read_bytes()
        files.append(
            {
                "table": name,
                "name": path.name,
                "rows": rows[name],
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        )
    collected_at = end + HOUR / 12
    manifest = {
        "format": 1,
        "cluster": cluster,
        "first_hour": stamp(first),
        "end_hour": stamp(end),
        "collected_at": stamp(collected_at),
        "files": files,
    }
    path = folder / "collection.json"
    path.write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    set_time(path, collected_at)


def _containers(one: ClusterHour) -> Iterator[Row]:
    for container in one.containers:
        yield one.hour, one.cluster.name, *container


def _nodes(one: ClusterHour) -> Iterator[Row]:
    for node in one.nodes:
        machine = node.machine.machine
        yield (
            one.hour,
            one.cluster.name,
            node.name,
            node.instance_type,
            f"aws:///{machine.zone}/{machine.resource_id}",
            machine.zone,
            machine.node_pool,
            share(ONE, node.machine.twentieths, TWENTIETHS),
            node.cores(),
            node.memory_gib(),
            node.gpus(),
            node.cores() * _ALLOCATABLE_PERCENT // 100,
            node.memory_gib() * _ALLOCATABLE_PERCENT // 100,
            node.gpus(),
        )


def _volumes(one: ClusterHour) -> Iterator[Row]:
    for volume in one.volumes:
        yield (
            one.hour,
            one.cluster.name,
            volume.name,
            volume.volume_id,
            "gp3",
            volume.namespace,
            volume.claim,
            volume.gib * ONE,
        )


def _pods(one: ClusterHour) -> Iterator[Row]:
    for pod in one.pods:
        yield (
            one.hour,
            one.cluster.name,
            pod.namespace,
            pod.name,
            pod.uid,
            pod.workload.kind,
            pod.workload.name,
            _labels(pod),
        )


@cache
def _labels(pod: Pod) -> str:
    labels = {"app": pod.workload.name, "region": EAST, **dict(pod.workload.labels)}
    if "katib.kubeflow.org/experiment" in labels:
        labels["katib.kubeflow.org/trial"] = pod.name
    return json.dumps(labels, sort_keys=True)
