"""From a real Prometheus to the marts: what namespaces requested is what they pay for."""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from infraspend.builder import build
from infraspend.loaders import aws_cur, kubernetes
from tests.loaders.bills import charge, deliver_legacy, text_of
from tests.tracker.reading import collect, rows, source
from tests.tracker.test_truth import HOURS, SCRAPES, truth
from tests.workspaces import ROOT

pytestmark = pytest.mark.thorough

CLUSTER = "cluster-1"
DIGITS = 10**10
SEEDS = {
    "label_rules": "10,tag,user_cluster,present,,{value},,",
    "teams": "compute,infrastructure,compute@example.com,,",
    "platforms": f"k8s,{CLUSTER},kubernetes,cpu,request,sub_platform,,compute,,,,,,,,",
    "platform_resources": f"k8s,{CLUSTER},{CLUSTER},,,,,",
}


def seeds_in(directory: Path) -> Path:
    """The columns of the demo company's seeds, with this company's rows."""
    directory.mkdir()
    for seed in (ROOT / "seeds").glob("*.csv"):
        header = seed.read_text().splitlines()[0]
        (directory / seed.name).write_text(f"{header}\n{SEEDS.get(seed.stem, '')}\n")
    return directory


def a_dollar_an_hour() -> bytes:
    """The bill of a cluster."""
    hours = [f"2026-11-01T{number:02}:00:00Z" for number in range(HOURS + 1)]
    return text_of(
        [
            charge(
                identity__TimeInterval=f"{hour}/{end}",
                bill__BillingPeriodStartDate="2026-11-01T00:00:00.000Z",
                lineItem__UsageStartDate=hour,
                lineItem__UsageEndDate=end,
                lineItem__ProductCode="AmazonEC2",
                lineItem__UnblendedCost="1.0000000000",
            )
            | {"resourceTags/user:cluster": CLUSTER}
            for hour, end in pairwise(hours)
        ]
    )


def shares_of(weights: dict[str, int]) -> dict[str, Decimal]:
    """Largest remainders, worked out with fractions."""
    total = sum(weights.values())
    exact = {label: Fraction(weight * DIGITS, total) for label, weight in weights.items()}
    units = {label: int(share) for label, share in exact.items()}
    by_remainder = sorted(exact, key=lambda label: (units[label] - exact[label], label))
    for label in by_remainder[: DIGITS - sum(units.values())]:
        units[label] += 1
    return {label: Decimal(unit).scaleb(-10) for label, unit in units.items()}


def expected_shares(collected: Path) -> dict[tuple[datetime, str], Decimal]:
    requested: dict[datetime, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for pod, hour, seen in truth(CLUSTER):
        core_hours = Decimal(seen) / SCRAPES * Decimal(pod["cpu_request"])
        requested[hour][pod["namespace"]] += int(core_hours.quantize(Decimal("1e-10")) * DIGITS)
    capacity: dict[datetime, int] = defaultdict(int)
    for hour, core_hours in rows(collected, "node_hours", "usage_hour, cpu_capacity_core_hours"):
        capacity[hour] += int(core_hours * DIGITS)
    shares = {}
    for hour, weights in requested.items():
        free = max(capacity[hour] - sum(weights.values()), 0)
        for label, share in shares_of(weights | {"free": free}).items():
            shares[hour, label] = share
    return shares


def test_what_a_namespace_requested_is_what_it_pays_for(server: str, tmp_path: Path) -> None:
    warehouse = tmp_path / "infraspend.duckdb"
    collect(source(server, CLUSTER), tmp_path / "collected", HOURS)
    deliver_legacy(tmp_path / "bill", a_dollar_an_hour(), period="20261101-20261201")
    kubernetes.load(warehouse, str(tmp_path / "collected"))
    aws_cur.load(warehouse, str(tmp_path / "bill"))

    result = build(
        warehouse,
        ROOT,
        seeds_in(tmp_path / "seeds"),
        ("--exclude-resource-type", "unit_test"),
    )

    assert result.succeeded, result.failures
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        spend = connection.execute(
            "select usage_hour, lyft_label, basis, spend from marts.enriched_spend"
        ).fetchall()
        workloads = connection.execute(
            "select sum(spend),"
            " sum(spend) filter (where namespace is null and lyft_label <> 'free')"
            " from marts.workload_spend"
        ).fetchall()
        namespaces = connection.execute(
            "select sum(spend) from marts.kubernetes_efficiency"
        ).fetchall()
    expected = expected_shares(tmp_path / "collected")
    assert {(hour, label): cost for hour, label, _, cost in spend} == expected
    assert {basis for _, _, basis, _ in spend} == {"measured"}
    assert workloads == [(HOURS, None)]
    free = sum(share for (_, label), share in expected.items() if label == "free")
    assert namespaces == [(HOURS - free,)]
