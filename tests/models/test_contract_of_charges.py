"""The graph of models: what is made of `charges` knows nothing of the bill behind it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

Graph = dict[str, Any]

BILLS = ("models/staging/aws_cur/", "models/staging/focus/", "models/intermediate/aws_cur/")
"""What knows how a provider writes its bill."""

BESIDE_THE_CONTRACT = {
    ("int_unused_reservations", "int_reservation_sizes"): "how large a reservation is",
    ("int_charges_matched", "int_instances_billed"): "which instances are in a charge, by its id",
    ("invoice_bridge", "stg_aws_cur__control_totals"): "reconciles with the bill's own totals",
    ("invoice_bridge", "int_periods_left_out"): "names the periods that have no charges",
    ("billing_periods", "int_invoices"): "compares invoices with what was entered",
    ("billing_periods", "int_periods_left_out"): "names the periods that have no charges",
    ("cost_explorer_bridge", "stg_aws_cur__line_items"): "reconciles with AWS's own amortized cost",
    ("cost_explorer_bridge", "stg_aws_cur__control_totals"): "names every payer that has a bill",
    ("focus_charges", "stg_aws_cur__usage_types"): "the unit and description that FOCUS asks for",
    ("focus_charges", "stg_aws_cur__accounts"): "the names of accounts",
    ("focus_charges", "stg_focus__accounts"): "who bills an account, and its name",
    ("focus_charges", "stg_focus__commitments"): "what kind of commitment it is, and its name",
}
"""(Model, what it reads beside the contract) -> why."""

READS_FOCUS = {
    "charges": {"stg_focus__charges"},
    # Reconciles with the bill's own totals.
    "focus_bridge": {"stg_focus__control_totals", "stg_focus__line_items"},
    # Which delivery is used, of each payer and month.
    "build_inputs": {"stg_focus__statements", "stg_focus__control_totals"},
    "focus_charges": {"stg_focus__accounts", "stg_focus__commitments"},
    # The list of months, which is known before any charge is read.
    "ingredients": {"stg_focus__statements"},
    "int_period_months": {"stg_focus__statements", "stg_focus__statement_months"},
    "months": {"stg_focus__statement_months"},
}
"""Model -> what it reads of the staging of bills in FOCUS."""


@pytest.fixture(scope="module")
def graph(parsed: str, target: Path) -> Graph:
    """What dbt knows of the project."""
    assert "Running with dbt" in parsed
    manifest: Graph = json.loads((target / "manifest.json").read_text())
    return manifest


def models(graph: Graph) -> dict[str, Any]:
    return {id_: node for id_, node in graph["nodes"].items() if node["resource_type"] == "model"}


def after(graph: Graph, name: str) -> set[str]:
    """The models that are made of a model."""
    found: set[str] = set()
    waiting = [f"model.infraspend.{name}"]
    while waiting:
        children = {id_ for id_ in graph["child_map"][waiting.pop()] if id_ in models(graph)}
        waiting.extend(children - found)
        found |= children
    return found


def reads_of_bills(graph: Graph, reader: str) -> set[str]:
    """The models and raw tables of bills that a model reads."""
    everything = graph["nodes"] | graph["sources"]
    return {
        everything[id_]["name"]
        for id_ in graph["nodes"][reader]["depends_on"]["nodes"]
        if everything[id_]["original_file_path"].startswith(BILLS)
    }


def test_what_is_made_of_charges_reads_no_bill(graph: Graph) -> None:
    assert {"int_charges_labelled", "enriched_spend", "daily_spend"} <= {
        models(graph)[id_]["name"] for id_ in after(graph, "charges")
    }
    found = {
        (models(graph)[reader]["name"], read)
        for reader in after(graph, "charges")
        for read in reads_of_bills(graph, reader)
    }
    assert found == set(BESIDE_THE_CONTRACT)


def test_a_bill_in_focus_becomes_charges_by_one_staging_model(graph: Graph) -> None:
    """`test_focus_to_the_marts` follows eleven charges like Azure's to `daily_spend`."""
    found = {
        node["name"]: {read for read in reads_of_bills(graph, id_) if "focus" in read}
        for id_, node in models(graph).items()
        if not Path(node["original_file_path"]).is_relative_to("models/staging/focus")
    }
    assert {name: reads for name, reads in found.items() if reads} == READS_FOCUS


REFRESHED = re.compile(r"refreshed\(ref\('(\w+)'\)(?:, '(\w+)')?\)")
"""How a singular test names what it reads of the refreshed months, and by which column."""


def month_of(node: Graph, column: str | None = None) -> str | None:
    """Which months divide the rows of a model: as the macro `month_column_of` finds them."""
    config = node["config"]
    month: str | None = column or config["meta"].get("month") or config.get("unique_key")
    return "usage" if month in ("usage_month", "usage_hour") else month


def test_both_sides_of_a_conservation_are_read_in_the_same_months(graph: Graph) -> None:
    """Else a build that refreshes some months compares all of one side with them."""
    everything = graph["nodes"]
    tests = [
        node
        for node in everything.values()
        if (node.get("test_metadata") or {}).get("name") == "conserves"
    ]
    assert tests
    for test in tests:
        here = everything[test["attached_node"]]
        arguments = test["test_metadata"]["kwargs"]
        others = [everything[id_] for id_ in test["depends_on"]["nodes"] if id_ in everything]
        (there,) = [other for other in others if f"'{other['name']}'" in arguments["of"]]
        assert month_of(here) == month_of(there, arguments.get("of_month")), test["name"]


def test_a_singular_test_reads_months_of_one_kind(graph: Graph) -> None:
    """A refreshed month of usage may have charges on the bill of a month that is not."""
    by_name = {node["name"]: node for node in models(graph).values()}
    months = {
        node["name"]: {
            month_of(by_name[name], column or None)
            for name, column in REFRESHED.findall(node["raw_code"])
        }
        for node in graph["nodes"].values()
        if node["resource_type"] == "test" and "test_metadata" not in node
    }
    assert len(months["workloads_miss_no_spend"]) == 1
    assert {name: kinds for name, kinds in months.items() if len(kinds) > 1} == {}
