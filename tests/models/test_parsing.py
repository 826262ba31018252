"""dbt reads the project without a word of warning, and knows what every macro does."""

import json
from pathlib import Path

import pytest
import yaml

from tests.end_to_end.companies import ROOT
from tests.models.parsing import run


@pytest.fixture(scope="module")
def macros(parsed: str, target: Path) -> dict[str, str]:
    """The project's own macros and their descriptions."""
    assert "Running with dbt" in parsed
    everything = json.loads((target / "manifest.json").read_text())["macros"].values()
    return {
        macro["name"]: macro["description"]
        for macro in everything
        if macro["package_name"] == "infraspend"
    }


def test_parsing_prints_no_warning(parsed: str) -> None:
    assert "WARN" not in parsed.upper(), parsed


def test_every_macro_has_a_description(macros: dict[str, str]) -> None:
    """What a macro does on one engine is described by the macro that dispatches to it."""
    silent = {name for name, description in macros.items() if not description}
    assert {name for name in silent if name.partition("__")[2] not in macros} == set()


def test_every_described_macro_exists(macros: dict[str, str]) -> None:
    described = yaml.safe_load((ROOT / "macros" / "_macros.yml").read_text())["macros"]
    assert {macro["name"] for macro in described} - macros.keys() == set()


@pytest.mark.thorough
@pytest.mark.usefixtures("parsed")
def test_a_selection_runs_only_tests_of_what_it_has(target: Path) -> None:
    """`dbt build --select +true_cost` can be the first command on what the loaders wrote."""
    keys = ("unique_id", "resource_type", "depends_on")
    options = ("--output", "json", "--output-keys", *keys)
    printed = run(target, "--quiet", "ls", "--select", "+true_cost", *options)
    selected = {node["unique_id"]: node for node in map(json.loads, printed.splitlines())}
    reads = {
        name: {read for read in node["depends_on"]["nodes"] if not read.startswith("source.")}
        for name, node in selected.items()
        if node["resource_type"] == "test"
    }
    assert len(reads) > 100
    assert {name for name, nodes in reads.items() if not nodes <= selected.keys()} == set()


def test_no_schedule_waits_for_a_charge(parsed: str, target: Path) -> None:
    """A failed test of money must not skip a cluster's schedule."""
    assert "Running with dbt" in parsed
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    models = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}

    def ancestors(*names: str) -> set[str]:
        found: set[str] = set()
        waiting = [f"model.infraspend.{name}" for name in names]
        while waiting:
            parents = set(models[waiting.pop()]["depends_on"]["nodes"]) & models.keys()
            waiting += parents - found
            found |= parents
        return found

    # Which months and hours there are on the bill, and which months have to be refreshed.
    calendar = {"model.infraspend.int_period_months", "model.infraspend.months"}
    calendar |= ancestors("int_period_months", "months")
    behind = {models[key]["path"] for key in ancestors("int_schedules") - calendar}
    assert "intermediate/attribution/int_usage.sql" in behind
    of_money = (
        "staging/aws_cur",
        "staging/focus",
        "intermediate/aws_cur",
        "intermediate/charges/charges.sql",
        "intermediate/true_cost",
    )
    assert {path for path in behind if path.startswith(of_money) or "/int_charges" in path} == set()
