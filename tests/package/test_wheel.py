"""The wheel, installed into an empty environment without the repository, does the whole way."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.fixtures.make_company import COMPANY
from tests.workspaces import ROOT

pytestmark = pytest.mark.thorough

_MODEL = """
{{ config(materialized='incremental', unique_key='billing_period') }}

select billing_period, product, sum(spend) as spend
from {{ ref('enriched_spend') }}
where {{ infraspend.in_month('billing_period') }}
group by billing_period, product
"""
_PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet")


def call(*command: str | Path, cwd: Path) -> str:
    """What a command prints, in an environment that knows nothing of the repository."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("INFRASPEND", "PYTHON", "DBT", "VIRTUAL_ENV"))
    }
    done = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of what the repository has."""
    root = tmp_path_factory.mktemp("wheel")
    made = (".*", "warehouse", "target", "logs", "build", "*.egg-info", "__pycache__")
    source = shutil.copytree(
        ROOT, root / "source", symlinks=True, ignore=shutil.ignore_patterns(*made)
    )
    call(sys.executable, "-m", "venv", root / "builder", cwd=root)
    python = root / "builder" / "bin" / "python"
    call(python, *_PIP, "wheel", "--no-deps", "--wheel-dir", root, source, cwd=root)
    (built,) = root.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Iterator[Path]:
    """The directory of the commands; nobody but root may write to the environment."""
    root = wheel.parent / "environment"
    call(sys.executable, "-m", "venv", root, cwd=wheel.parent)
    constraints = ("--constraint", str(ROOT / "constraints.txt"))
    call(root / "bin/python", *_PIP, "install", *constraints, f"{wheel}[demo]", cwd=wheel.parent)
    folders = [path for path in (root, *root.rglob("*")) if path.is_dir() and not path.is_symlink()]
    for folder in folders:
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    before = files(root)
    yield root / "bin"
    # Root may write anywhere, so it is also looked at.
    assert files(root) == before
    for folder in folders:
        folder.chmod(stat.S_IRWXU)


def files(root: Path) -> set[tuple[str, int, int]]:
    return {
        (str(path), path.stat().st_size, path.stat().st_mtime_ns)
        for path in root.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def test_its_only_name_in_site_packages_is_its_own(installed: Path) -> None:
    (record,) = installed.parent.glob("lib/python*/site-packages/infraspend-*.dist-info/RECORD")
    names = {line.partition("/")[0] for line in record.read_text().splitlines()}
    assert names == {"infraspend", record.parent.name, ".."}
    scripts = {line.partition(",")[0] for line in record.read_text().splitlines() if ".." in line}
    assert scripts == {"../../../bin/infraspend"}


def test_a_folder_of_ones_own_is_loaded_built_with_a_model_more_and_published(
    installed: Path, tmp_path: Path
) -> None:
    infraspend = installed / "infraspend"
    call(infraspend, "init", "finops", cwd=tmp_path)
    folder = tmp_path / "finops"
    for seed in (COMPANY / "seeds").glob("*.csv"):
        shutil.copy(seed, folder / "seeds")
    (folder / "models" / "spend_by_product.sql").write_text(_MODEL)
    (folder / "analyses").mkdir()
    (folder / "analyses" / "products.sql").write_text("select * from {{ ref('spend_by_product') }}")
    for source, directory in (("aws-cur", "bill"), ("kubernetes",) * 2, ("platforms",) * 2):
        call(infraspend, "load", source, "--from", COMPANY / directory, cwd=folder)

    assert f"seeds in {folder / 'seeds'}" in call(infraspend, "build", cwd=folder)
    assert "nothing changed" in call(infraspend, "build", cwd=folder)
    call(infraspend, "publish", cwd=folder)
    call(infraspend, "dashboard", cwd=folder)

    assert "is as it should be" in call(infraspend, "doctor", cwd=folder)
    assert (folder / "warehouse" / "dashboard" / "index.html").is_file()
    database = folder / "warehouse" / "published" / "infraspend.duckdb"
    with duckdb.connect(database, read_only=True) as connection:
        ((spend, whole),) = connection.execute(
            "select (select sum(spend) from analyses.products), sum(spend) from enriched_spend"
        ).fetchall()
        assert spend == whole > 0
    # The bill is not the demo's, and plain dbt takes the seeds of the folder.
    assert "Completed successfully" in call(installed / "dbt", "seed", cwd=folder)
    # Nothing is written beside the folder.
    assert {path.name for path in tmp_path.iterdir()} == {"finops"}


def test_the_demo_runs_anywhere(installed: Path, tmp_path: Path) -> None:
    infraspend = installed / "infraspend"

    said = call(infraspend, "demo", "--days", "2", cwd=tmp_path)

    assert "From the invoice to true_cost" in said
    assert "nothing changed" in call(infraspend, "build", cwd=tmp_path)
    assert "marts are in here" in call(infraspend, "publish", "--to", "here", cwd=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".infraspend", "here", "warehouse"}
