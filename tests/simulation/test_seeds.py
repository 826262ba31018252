"""The seeds of the repository are those of the simulated company."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from infraspend.simulation import SimulationResult
from infraspend.simulation.clock import BEGINNING, Period, Window, utc
from infraspend.simulation.plan.chance import Chance
from infraspend.simulation.plan.charges import Bill, Charge, Columns
from infraspend.simulation.plan.commitments import Commitments
from infraspend.simulation.plan.company import PAYER, label_of_namespace
from infraspend.simulation.plan.company_clusters import CLUSTERS
from infraspend.simulation.plan.company_history import CLOSED, delivery_name
from infraspend.simulation.plan.company_platforms import RESOURCES, SUB_PLATFORMS
from infraspend.simulation.plan.machines import Machines

SEEDS = Path(__file__).parents[2] / "seeds"
HOURS = ("2026-09-21T00", "2026-10-12T00", "2026-10-14T23", "2026-10-15T00", "2026-11-20T13")
RESERVED = {"_unused_ri", "_unused_sp"}


def _rows(seed: str) -> list[dict[str, str]]:
    with (SEEDS / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _charges() -> Iterator[tuple[str, Charge]]:
    chance, window = Chance(2019), Window(61)
    commitments = Commitments(chance, 1)
    bill = Bill(chance, window, commitments)
    machines = Machines(chance, 1)
    for text in HOURS:
        hour = utc(text)
        machine_hours = commitments.cover(hour, machines.running(hour))
        for charge in bill.of_hour(hour, machine_hours):
            yield text, charge
    for period in window.periods():
        for charge in bill.of_month(Period.of(period.start)):
            yield f"{period.start:%Y-%m-%d}", charge


def _value(columns: Columns, rule: dict[str, str]) -> str:
    tags = columns.get("resource_tags", {})
    assert isinstance(tags, dict)
    return {
        "tag": str(tags.get(rule["match_key"], "")),
        "resource_id": str(columns.get("line_item_resource_id", "")),
        "account": str(columns["line_item_usage_account_id"]),
        "product": str(columns["line_item_product_code"]),
    }.get(rule["match_on"], "")


def _label(rows: list[dict[str, str]], values: list[str], day: str) -> str | None:
    """The label of a rule whose rows look at these values, or None if it does not match."""
    label = rows[0]["lyft_label"]
    if day < rows[0]["valid_from"]:
        return None
    for row, value in zip(rows, values, strict=True):
        match row["match_type"]:
            case "equals":
                matches = value == row["match_value"]
            case "present":
                matches = bool(value)
                label = label.replace("{value}", value)
            case _:
                found = re.search(row["match_value"], value)
                matches = found is not None
                label = label.replace("{1}", found.group(1)) if found else label
        if not matches:
            return None
    return label.strip().lower()


def test_the_rules_find_the_label_that_the_company_means() -> None:
    rules: defaultdict[int, list[dict[str, str]]] = defaultdict(list)
    for row in _rows("label_rules"):
        if row["match_on"] != "namespace":
            rules[int(row["rule_order"])].append(row)
    used = set()
    for day, charge in _charges():
        if charge.label in RESERVED:
            continue
        for order, rows in sorted(rules.items()):
            label = _label(rows, [_value(charge.columns, row) for row in rows], day)
            if label is not None:
                assert (label, order) == (charge.label, charge.rule)
                used.add(order)
                break
        else:
            assert (charge.label, charge.rule) == ("unlabeled", None)
    assert used == set(rules)


def test_the_rules_name_the_namespaces_that_are_no_services() -> None:
    rows = [row for row in _rows("label_rules") if row["match_on"] == "namespace"]
    for cluster in CLUSTERS:
        for workload in cluster.workloads:
            found = [_label([row], [workload.namespace], "") for row in rows]
            label = next((label for label in found if label), workload.namespace)
            assert label == label_of_namespace(workload.namespace)


def test_every_label_has_an_owner_but_the_one_that_is_none(simulated: SimulationResult) -> None:
    found = duckdb.sql(
        f"""
        select lyft_label from '{simulated.truth}/true_cost.parquet'
        union select lyft_label from '{simulated.truth}/enriched_spend.parquet'
        """
    ).fetchall()
    owned = {row["lyft_label"] for row in _rows("label_owners")}
    assert {label for (label,) in found} - owned == {"unlabeled"}


def test_every_owner_and_platform_owner_is_a_team() -> None:
    teams = {row["team"] for row in _rows("teams")}
    assert {row["team"] for row in _rows("label_owners")} == teams
    assert {row["owner"] for row in _rows("platforms")} <= teams
    assert len(teams) == 8
    assert len({row["org"] for row in _rows("teams")}) == 3


def test_the_platforms_are_declared_as_the_company_means_them() -> None:
    assert [
        (
            *(row["platform"], row["sub_platform"], row["schedule_source"], row["cost_model"]),
            *(row["allocation_base"], row["free_policy"], row["pool_by"]),
            utc(row["valid_from"]) if row["valid_from"] else BEGINNING,
        )
        for row in _rows("platforms")
    ] == [
        (
            *(*one.place, one.source, one.cost_model, one.allocation_base, one.free_policy),
            "instance_type" if one.has_pools else "sub_platform",
            one.since,
        )
        for one in SUB_PLATFORMS.values()
    ]


def test_what_belongs_to_a_platform_is_declared_as_the_company_means_it() -> None:
    declared = {
        (
            *(row["platform"], row["sub_platform"], row["lyft_label"], row["product"]),
            *(row["usage_type"].strip("%"), row["cost_model"]),
        )
        for row in _rows("platform_resources")
    }
    assert declared == {
        (*one.sub_platform.place, one.label, one.product, one.usage_type, one.own_cost_model)
        for one in RESOURCES
    }


def test_every_platform_has_a_schedule_for_each_cost_model_it_is_split_by(
    simulated: SimulationResult,
) -> None:
    found = duckdb.sql(
        f"""
        select distinct platform, sub_platform, cost_model
        from '{simulated.truth}/schedule.parquet'
        """
    ).fetchall()
    assert set(found) == {(*one.sub_platform.place, one.cost_model) for one in RESOURCES}


def test_months_were_closed_with_the_deliveries_that_the_company_gets() -> None:
    """Whatever the seed: a month that is closed with what never landed stops the build."""
    declared = {row["billing_period"]: row["assembly_id"] for row in _rows("closed_periods")}
    assert declared == CLOSED
    assert {row["payer_account_id"] for row in _rows("closed_periods")} == {PAYER}
    for period, assembly in CLOSED.items():
        for seed in (1, 2019):
            assert delivery_name(Chance(seed), period) == assembly
    assert delivery_name(Chance(1), "2026-10") != delivery_name(Chance(2019), "2026-10")


@pytest.mark.parametrize("seed", ["invoice_totals", "reports"])
def test_what_the_company_has_not_declared_is_empty(seed: str) -> None:
    assert _rows(seed) == []
