"""Which module may import which, read from the code: imports inside functions count, too."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tests.workspaces import ROOT

Imports = dict[str, set[str]]


def imports() -> Imports:
    """Every module of the distribution, with the modules of it that it imports."""
    folders = (ROOT / "infraspend", ROOT / "loaders")
    paths = {name_of(path): path for folder in folders for path in folder.rglob("*.py")}
    return {name: imported(path, paths) - {name} for name, path in paths.items()}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in ("infraspend", *parts) if part != "__init__").replace(
        "infraspend.infraspend", "infraspend"
    )


def imported(path: Path, known: dict[str, Path]) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                found.add(module if module in known else node.module)
    return found & known.keys()


def circle(modules: Imports) -> list[str]:
    try:
        list(TopologicalSorter(modules).static_order())
    except CycleError as error:
        return list(error.args[1])
    return []


def below(modules: Imports, package: str) -> set[str]:
    """Everything that a package imports, directly or by way of others."""
    reached: set[str] = set()
    waiting = {name for name in modules if f"{name}.".startswith(f"{package}.")}
    while waiting:
        reached |= waiting
        waiting = {name for one in waiting for name in modules[one]} - reached
    return reached


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle(imports()) == []


def test_what_is_simulated_does_not_know_the_right_answers() -> None:
    modules = imports()
    for package in ("plan", "deliveries"):
        reached = below(modules, f"infraspend.simulation.{package}")
        assert [name for name in reached if "simulation.truth" in name] == []


def test_the_loaders_need_nothing_of_what_comes_after_them() -> None:
    reached = below(imports(), "infraspend.loaders")
    assert {name for name in reached if not name.startswith("infraspend.loaders")} <= {"infraspend"}
