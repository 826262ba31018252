"""Workspaces small enough to build in seconds (see `tests.workspaces`), and the fixture company."""

import os
import pickle
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from infraspend.builder import BuildResult
from infraspend.loaders.open_warehouse import create_raw_tables
from infraspend.publishers import DATABASE_NAME
from infraspend.publishers.marts import publish
from tests.end_to_end.companies import WITHOUT_UNIT_TESTS, Company, company_in, parsed_project
from tests.fixtures.make_company import COMPANY
from tests.workspaces import MODEL, PROPERTIES, ROOT, Workspace, load, shared

# Every statement is an event of dbt's in its log, which takes a seventh of a build's CPU time.
os.environ.setdefault("DBT_LOG_LEVEL_FILE", "info")


@pytest.fixture(scope="session")
def fresh_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Something was loaded (what it is does not matter here) and nothing built."""
    workspace = Workspace(shared(tmp_path_factory, "fresh-workspace"))
    with FileLock(f"{workspace.root}.lock"):
        if not workspace.root.exists():
            _make(workspace)
    return workspace


def _make(workspace: Workspace) -> None:
    (workspace.project / "models" / "marts").mkdir(parents=True)
    shutil.copytree(ROOT / "macros", workspace.project / "macros")
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(ROOT / name, workspace.project / name)
    shutil.copytree(ROOT / "seeds", workspace.seeds, ignore=shutil.ignore_patterns("*.yml"))
    (workspace.project / "models" / "marts" / "orgs.sql").write_text(MODEL)
    (workspace.project / "models" / "properties.yml").write_text(PROPERTIES)
    create_raw_tables(workspace.warehouse)
    load(workspace.warehouse, "a-delivery")
    # What dbt knows of the project: its copies need not be read from scratch.
    workspace.parse()


@pytest.fixture(scope="session")
def built_workspace(
    fresh_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> Workspace:
    """The same, built."""
    workspace = Workspace(shared(tmp_path_factory, "built-workspace"))
    with FileLock(f"{workspace.root}.lock"):
        if not workspace.root.exists():
            shutil.copytree(fresh_workspace.root, workspace.root)
            assert workspace.build().succeeded
    return workspace


@pytest.fixture
def fresh(fresh_workspace: Workspace, tmp_path: Path) -> Workspace:
    """A workspace of the test's own, not built yet."""
    shutil.copytree(fresh_workspace.root, tmp_path / "workspace")
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def built(built_workspace: Workspace, tmp_path: Path) -> Workspace:
    """A workspace of the test's own, whose last build was good."""
    shutil.copytree(built_workspace.root, tmp_path / "workspace")
    return Workspace(tmp_path / "workspace")


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dbt project as dbt has read it, for `company_in`. Only to be copied."""
    root = shared(tmp_path_factory, "project")
    with FileLock(f"{root}.lock"):
        return root if root.exists() else parsed_project(root)


@pytest.fixture(scope="session")
def fixture_company(
    tmp_path_factory: pytest.TempPathFactory, project: Path
) -> tuple[Company, BuildResult]:
    """The company of tests/fixtures/company, built, and how that went. Only to be read."""
    return _built_once(shared(tmp_path_factory, "fixture-company"), project)


@pytest.fixture(scope="session")
def focus_company(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Company:
    """The same, built with the datasets of FOCUS. Only to be read."""
    root = shared(tmp_path_factory, "focus-company")
    company, result = _built_once(root, project, "--vars", "{focus: true}")
    assert result.succeeded, "\n".join(result.failures)
    return company


def _built_once(root: Path, project: Path, *arguments: str) -> tuple[Company, BuildResult]:
    """The company of tests/fixtures/company, built with some arguments, once for all tests."""
    with FileLock(f"{root}.lock"):
        company, kept = Company(root / "company", root / "company"), root / "result.pickle"
        if not kept.exists():
            company = company_in(company.root, project)
            shutil.copytree(COMPANY, company.root, dirs_exist_ok=True)
            (company.root / "seeds").rename(company.seeds)
            company.load()
            kept.write_bytes(pickle.dumps(company.build(*WITHOUT_UNIT_TESTS, *arguments)))
        result: BuildResult = pickle.loads(kept.read_bytes())
    return company, result


@pytest.fixture(scope="session")
def published_company(fixture_company: tuple[Company, BuildResult]) -> Path:
    """What the fixture company published: the DuckDB file. Only to be read."""
    company, result = fixture_company
    assert result.succeeded, "\n".join(result.failures)
    to = company.root / "published"
    with FileLock(f"{to}.lock"):
        if not (to / DATABASE_NAME).exists():
            publish(company.warehouse, to, project=ROOT)
    return to / DATABASE_NAME
