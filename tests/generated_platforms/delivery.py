"""Delivers stacks the way of a user: a bill, collections of clusters, and what owners publish."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from tests.end_to_end.companies import LABEL_OF_TAG, TEAM, Company
from tests.generated_platforms.stacks import (
    HOURS,
    PLATFORMS,
    RESOURCES,
    SINGLED_OUT,
    Charge,
    Layer,
    Stack,
)
from tests.loaders.bills import Row, charge, deliver_legacy, text_of
from tests.loaders.collections import collect

FIRST = datetime(2026, 10, 3)
UNCLAIMED = "of-nobody"
"""The label of a cent in every hour that no platform splits: the calendar of the bill."""

_SPOKEN = {"pushed": "usage", "ready_made": "proportion"}
_COLUMNS = {"cpu": "cpu_{}_core_hours", "memory": "memory_{}_gib_hours", "gpu": "gpu_{}_gpu_hours"}


def moment(hour: int) -> datetime:
    """The moment at which an hour begins."""
    return FIRST + timedelta(hours=hour)


def deliver(company: Company, stacks: Sequence[Stack]) -> None:
    """Writes and declares everything there is of the stacks."""
    cents = [
        _line(UNCLAIMED, Charge(hour, 1, "AmazonS3", "", Decimal("0.01"))) for hour in range(HOURS)
    ]
    lines = [_line(stack.layers[0].label, one) for stack in stacks for one in stack.charges]
    deliver_legacy(company.bill, text_of([*cents, *lines]))
    layers = [layer for stack in stacks for layer in stack.layers]
    _publish(company, layers)
    for layer in layers:
        if layer.source == "kubernetes":
            _collect(company, layer)
    company.declare(
        label_rules=[LABEL_OF_TAG],
        teams=[TEAM],
        platforms=[row for layer in layers for row in _platforms(layer)],
        platform_resources=[row for layer in layers for row in _resources(layer)],
    )


def _line(label: str, one: Charge) -> Row:
    start, end = (f"{moment(hour):%FT%TZ}" for hour in (one.hour, one.hour + 1))
    line = charge(
        identity__TimeInterval=f"{start}/{end}",
        lineItem__UsageStartDate=start,
        lineItem__UsageEndDate=f"{moment(one.hour + one.hours):%FT%TZ}",
        lineItem__ProductCode=one.product,
        lineItem__UnblendedCost=f"{one.cost:f}",
        product__instanceType=one.instance_type,
    )
    return dict(line) | {"resourceTags/user:service": label}


def _publish(company: Company, layers: Sequence[Layer]) -> None:
    lines: dict[str, list[str]] = defaultdict(list)
    for layer in layers:
        for hour, seen in layer.seen.items():
            lines[layer.source] += [
                f"{moment(hour):%FT%TZ},{','.join(layer.place)},{pool},{label},{amount:f}\n"
                for pool, label, amount in seen.published
            ]
    for source, value in _SPOKEN.items():
        folder = company.platforms / PLATFORMS[source]
        folder.mkdir(parents=True)
        header = f"usage_hour,platform,sub_platform,capacity_pool,lyft_label,{value}\n"
        (folder / "hours.csv").write_text(header + "".join(lines[source]))


def _collect(company: Company, layer: Layer) -> None:
    rows: dict[str, list[dict[str, object]]] = defaultdict(list)
    for hour, seen in layer.seen.items():
        at = {"usage_hour": moment(hour), "running_hours": 1.0}
        samples = 60 if seen.is_good else 40
        rows["scrape_hours"].append(at | {"samples": samples, "expected_samples": 60})
        for number, pod in enumerate(seen.pods):
            rows["container_hours"].append(
                at
                | {"namespace": pod.namespace, "pod": f"pod-{number}", "uid": str(number)}
                | {"node": pod.instance_type, "instance_type": pod.instance_type}
                | {"container": "main", "network_receive_gib": float(pod.network)}
                | {"network_transmit_gib": 0.0}
                | {"disk_read_gib": float(pod.disk_io), "disk_write_gib": 0.0}
                | {_COLUMNS[one].format("request"): float(pod.requested[one]) for one in RESOURCES}
                | {_COLUMNS[one].format("usage"): float(pod.used[one]) for one in RESOURCES}
            )
        for number, (instance_type, offered) in enumerate(seen.nodes):
            rows["node_hours"].append(
                at
                | {"node": f"node-{number}", "instance_type": instance_type}
                | {_COLUMNS[one].format("capacity"): float(offered[one]) for one in RESOURCES}
            )
        for number, (namespace, gib) in enumerate(seen.volumes):
            claim = "claim" if namespace else None
            rows["volume_hours"].append(
                at
                | {"volume": f"volume-{number}", "namespace": namespace, "claim": claim}
                | {"capacity_gib_hours": float(gib)}
            )
    collect(
        company.kubernetes,
        cluster=layer.number,
        first=f"{FIRST}",
        end=f"{moment(HOURS)}",
        rows=rows,
    )


def _platforms(layer: Layer) -> list[dict[str, str]]:
    platform, sub_platform = layer.place
    ends = [str(moment(era.since)) for era in layer.eras[1:]]
    return [
        {
            "platform": platform,
            "sub_platform": sub_platform,
            "schedule_source": layer.source,
            "cost_model": era.cost_model,
            "allocation_base": layer.allocation_base,
            "pool_by": layer.pool_by,
            "free_policy": era.free_policy,
            "owner": TEAM["team"],
            "interpolate_hours": str(layer.interpolate_hours),
            "carry_hours": str(layer.carry_hours),
            "expected_from": str(moment(layer.expected_from)) if layer.expected_from else "",
            "valid_from": since,
            "valid_until": until,
        }
        for era, (since, until) in zip(layer.eras, pairwise(["", *ends, ""]), strict=True)
    ]


def _resources(layer: Layer) -> list[dict[str, str]]:
    platform, sub_platform = layer.place
    whole = {"platform": platform, "sub_platform": sub_platform, "lyft_label": layer.label}
    if not layer.singled_out:
        return [whole]
    return [whole, whole | {"product": SINGLED_OUT, "cost_model": layer.singled_out}]
