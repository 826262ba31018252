"""The companies that the tests of the models break, and what dbt makes of the project."""

from pathlib import Path

import pytest
from filelock import FileLock

from tests.end_to_end.companies import Company
from tests.models.originals import NAMES, original
from tests.models.parsing import run
from tests.workspaces import shared


@pytest.fixture(scope="session")
def companies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Company]:
    """Every company by its name, built. Tests break copies of them."""
    root = tmp_path_factory.mktemp("originals")
    return {name: original(root / name, name) for name in NAMES}


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where dbt keeps what it parsed."""
    return shared(tmp_path_factory, "parsed")


@pytest.fixture(scope="session")
def parsed(target: Path) -> str:
    """What dbt prints while it parses everything."""
    printed = target / "printed.txt"
    with FileLock(f"{target}.lock"):
        if not printed.exists():
            said = run(target, "parse", "--no-partial-parse", "--no-use-colors")
            printed.write_text(said, encoding="utf-8")
        return printed.read_text(encoding="utf-8")
