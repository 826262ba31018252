"""`infraspend init` makes a folder of one's own, and the other commands use it."""

import csv
from pathlib import Path

import pytest
import yaml

from infraspend import INSTALLED
from infraspend.builder.seed_choice import choose_seeds, remember_seeds
from infraspend.builder.seeds import SEED_COLUMNS, check_seeds, path_for_dbt
from infraspend.loaders.errors import InfraspendError
from infraspend.projects import PACKAGE, current_project, init, package_of, roots_of
from tests.command_line.process import run
from tests.workspaces import ROOT, Workspace, load_bill


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    init(tmp_path / "finops")
    return tmp_path / "finops"


def test_it_has_every_seed_with_its_headers_alone(folder: Path) -> None:
    check_seeds(folder / "seeds")
    for seed, columns in SEED_COLUMNS.items():
        with (folder / "seeds" / f"{seed}.csv").open(newline="") as lines:
            header, *rows = csv.reader(lines)
        assert set(columns) <= set(header)
        assert rows == []
    assert {path.stem for path in (folder / "seeds").iterdir()} == SEED_COLUMNS.keys()


def test_it_is_a_dbt_project_with_the_installed_one_as_a_package(folder: Path) -> None:
    packages = yaml.safe_load((folder / "packages.yml").read_text())
    assert packages == {"packages": [{"local": PACKAGE.as_posix()}]}
    package = folder / PACKAGE
    assert (folder / "dbt_packages" / "infraspend").resolve() == package
    assert (package / "models").samefile(INSTALLED / "models")
    assert (package / "seeds").samefile(folder / "seeds")
    assert (folder / "profiles.yml").read_text() == (ROOT / "profiles.yml").read_text()
    # Nothing that is made here belongs into git.
    ignored = (folder / ".gitignore").read_text().split()
    assert {".infraspend/", "dbt_packages/", "warehouse/"} <= set(ignored)


def test_run_again_it_writes_what_is_missing_and_nothing_else(folder: Path) -> None:
    (folder / "README.md").write_text("ours")
    (folder / "models" / "ours.sql").write_text("select 1 as one")
    (folder / "seeds" / "teams.csv").unlink()

    assert init(folder) == ["seeds/teams.csv"]
    assert init(folder) == []
    assert (folder / "README.md").read_text() == "ours"
    assert (folder / "models" / "ours.sql").exists()


def test_a_folder_with_anything_else_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bill.csv").touch()

    done = run("init", ".", cwd=tmp_path)

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "is not empty (it has bill.csv)" in line
    assert line.endswith("name a new folder, such as infraspend init infraspend")
    assert [path.name for path in tmp_path.iterdir()] == ["bill.csv"]


def test_a_new_repository_of_git_is_empty(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()

    done = run("init", ".", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "infraspend load aws-cur" in done.stdout


def test_an_upgrade_is_found_wherever_it_is_installed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The links lead to a Python that is gone, and to where the folder was before."""
    models = folder / PACKAGE / "models"
    for link in (models, folder / PACKAGE / "seeds", folder / "dbt_packages" / "infraspend"):
        link.unlink()
        link.symlink_to("/usr/lib/python3.9/site-packages/gone")
    monkeypatch.chdir(folder)

    assert current_project() == folder
    assert models.samefile(ROOT / "models")
    assert (folder / PACKAGE / "seeds").samefile(folder / "seeds")
    assert (folder / "dbt_packages" / "infraspend" / "models").samefile(ROOT / "models")


def test_without_a_folder_the_project_is_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert current_project() == ROOT
    assert roots_of(ROOT) == (ROOT,)
    assert list(tmp_path.iterdir()) == []


def test_without_a_checkout_it_is_linked_into_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "site-packages" / "project"
    installed.mkdir(parents=True)
    for path in INSTALLED.iterdir():
        if path.is_dir():
            (installed / path.name).symlink_to(path)
        else:
            (installed / path.name).write_text(path.read_text())
    monkeypatch.setattr("infraspend.projects.INSTALLED", installed)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    project = current_project()

    assert project == tmp_path / "here" / PACKAGE
    assert (project / "dbt_project.yml").samefile(installed / "dbt_project.yml")
    assert package_of(project) == project
    assert path_for_dbt(installed / "seeds", project) == "seeds"


def test_a_folder_that_cannot_be_written_is_said_with_the_way_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (folder / PACKAGE).iterdir():
        path.unlink()
    (folder / PACKAGE).rmdir()
    (folder / PACKAGE).write_text("a file")
    monkeypatch.chdir(folder)

    with pytest.raises(InfraspendError, match=r"cannot link .* made by infraspend init DIR"):
        current_project()


def test_its_seeds_are_built_with_whatever_bill_there_is(fresh: Workspace, folder: Path) -> None:
    """They are the folder's and not the demo company's; plain dbt finds them, too."""
    load_bill(fresh.warehouse, "hourly", "999900001111")

    chosen = choose_seeds(fresh.warehouse, fresh.warehouse, folder)

    assert str(chosen) == str(folder / "seeds")
    assert path_for_dbt(chosen.directory, folder) == "seeds"


def test_a_folder_that_was_moved_keeps_its_warehouse(
    fresh: Workspace, folder: Path, tmp_path: Path
) -> None:
    remember_seeds(fresh.warehouse, tmp_path / "before" / "seeds")
    chosen = choose_seeds(fresh.warehouse, fresh.warehouse, folder)
    assert chosen.directory == folder / "seeds"

    # It was built with others, which are there.
    (tmp_path / "before" / "seeds").mkdir(parents=True)
    with pytest.raises(InfraspendError, match="--change-seeds"):
        choose_seeds(fresh.warehouse, fresh.warehouse, folder)
