"""dbt reads the project without a word of warning, and every macro is described."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.end_to_end.companies import ROOT

DBT = Path(sys.executable).with_name("dbt")


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """What `dbt parse` prints, and the descriptions of the project's own macros."""
    target = tmp_path_factory.mktemp("parsed")
    parse = (DBT, "--no-use-colors", "--log-path", target, "parse", "--no-partial-parse")
    done = subprocess.run(
        [*parse, "--target-path", target],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    macros = json.loads((target / "manifest.json").read_text())["macros"].values()
    own = {
        macro["name"]: macro["description"]
        for macro in macros
        if macro["package_name"] == "infraspend"
    }
    return done.stdout, own


def test_parsing_prints_no_warning(parsed: tuple[str, dict[str, str]]) -> None:
    printed, _ = parsed
    assert "WARN" not in printed.upper(), printed


def test_every_macro_has_a_description(parsed: tuple[str, dict[str, str]]) -> None:
    """What a macro does on one engine is described by the macro that dispatches to it."""
    _, macros = parsed
    silent = {name for name, description in macros.items() if not description}
    assert {name for name in silent if name.partition("__")[2] not in macros} == set()


def test_every_described_macro_exists(parsed: tuple[str, dict[str, str]]) -> None:
    _, macros = parsed
    described = yaml.safe_load((ROOT / "macros" / "_macros.yml").read_text())["macros"]
    assert {macro["name"] for macro in described} <= macros.keys()
