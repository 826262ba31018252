"""Small companies that lie inside a dbt project of their own, so that copies can be broken.

A copy builds by the same relative paths as its original, and with what dbt knows of the project
from the last run it only reads what was changed.
"""

import shutil
from pathlib import Path

from infraspend.builder.dbt import DbtRun, DbtSetting, run_dbt
from infraspend.loaders.result import silent
from infraspend.simulation import simulate
from tests.end_to_end.companies import ROOT, WITHOUT_UNIT_TESTS, Company, copy_project
from tests.end_to_end.test_label_rules import (
    LINES,
    PODS,
    deliver_labelled,
    labels_of_lines,
    labels_of_pods,
)
from tests.end_to_end.truths import falsehoods

NAMES = ("simulated", "labelled")

_WAREHOUSE = Path("warehouse/infraspend.duckdb")
_PARSED = Path("artifacts/target/partial_parse.msgpack")
_INHERITED = (
    *("dbt_project.yml", "profiles.yml", "models", "macros", "tests", "facts"),
    *(_WAREHOUSE, _PARSED),
)


def original(root: Path, name: str) -> Company:
    """One of the companies: delivered, landed, built without its unit tests, and right.

    Args:
        root: Where it will lie; must not exist.
        name: One of `NAMES`. The labelled one's bill tries every kind of label rule.
    """
    company = Company(copy_project(root), root)
    if name == "simulated":
        simulate(root, days=2, scale=0.05)
        shutil.copytree(ROOT / "seeds", company.seeds)
    else:
        deliver_labelled(company)
    company.load()
    built = run(company, *WITHOUT_UNIT_TESTS)
    assert built.succeeded, [node.message for node in built.failed]
    assert what_is_wrong(company, company) is None
    return company


def copy_of(company: Company, root: Path) -> Company:
    """A copy of a company's project and warehouse; what was delivered to it stays where it is."""
    for name in _INHERITED:
        source, to = company.root / name, root / name
        to.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, to)
    return Company(root, root)


def run(company: Company, *arguments: str) -> DbtRun:
    """Builds a company that lies inside its project."""
    setting = DbtSetting(
        project=company.project,
        warehouse=company.root / _WAREHOUSE,
        seeds="facts",
        artifacts=company.root / "artifacts",
    )
    return run_dbt(setting, arguments, silent)


def what_is_wrong(company: Company, model: Company) -> str | None:
    """What is not as it should be in a company's marts; None if all is right.

    Args:
        company: The company itself, or a copy.
        model: The company, with what was delivered to it.
    """
    truth = model.root / "truth"
    if truth.exists():
        return next(iter(falsehoods(company, truth, "family")), None)
    if labels_of_pods(company) != PODS:
        return "the labels of pods"
    if labels_of_lines(company) != {case: label for case, (_, label) in LINES.items()}:
        return "the labels of charges"
    return None
