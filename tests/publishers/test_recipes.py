"""Every recipe of docs/read-the-marts.md reads the published marts as it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import interactive
from tests.workspaces import ROOT

TEXT = (ROOT / "docs" / "read-the-marts.md").read_text()
RECIPES = re.findall(r"^```(sh|python)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which a demo has published to the end of October."""
    root = tmp_path_factory.mktemp("reader")
    demo = root / "warehouse" / "demo"
    demo.mkdir(parents=True)
    interactive.published(demo, labels=60, days=304)
    return root


@pytest.mark.parametrize(("language", "recipe"), RECIPES, ids=[text for _, text in RECIPES])
def test_it_reads_what_was_published(folder: Path, language: str, recipe: str) -> None:
    command = [sys.executable, "-c", recipe] if language == "python" else ["sh", "-ec", recipe]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    run = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert re.search("team-|org-|label-|october.xlsx", run.stdout)


def test_there_are_recipes_of_every_kind() -> None:
    words = ("duckdb -readonly", "pandas", "polars", "sqlalchemy", "infraspend export")
    assert all(any(word in recipe for _, recipe in RECIPES) for word in words)
