"""What a run writes is its owner's alone, and nothing that is in the way is used."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.local import private
from infraspend.loaders.open_warehouse import create_raw_tables
from infraspend.loaders.warehouse import LakeUrl
from infraspend.publishers.marts import publish
from tests.workspaces import Workspace


def readable_by_others(folder: Path) -> list[str]:
    """The files and directories below a folder that others may read; locks hold nothing."""
    return [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if not path.is_symlink() and path.suffix != ".lock" and path.lstat().st_mode & 0o077
    ]


@pytest.fixture(autouse=True)
def _a_usual_umask(tmp_path: Path) -> None:
    """Elsewhere these tests would prove nothing."""
    (tmp_path / "anything").touch()
    assert readable_by_others(tmp_path) == ["anything"]
    (tmp_path / "anything").unlink()


def test_a_warehouse_and_a_lake_are_their_owners_alone(
    empty_warehouse: Path, empty_lake: Path
) -> None:
    assert empty_warehouse.exists() and any(empty_lake.rglob("*.parquet"))
    assert readable_by_others(empty_warehouse.parent) == []
    # The directory itself is the user's.
    assert set(readable_by_others(empty_lake.parent)) <= {empty_lake.name}


def test_what_a_build_writes_is_its_owners_alone(built: Workspace) -> None:
    written = {path.name for path in built.warehouse.parent.rglob("*")}
    assert {"infraspend.duckdb", "dbt.log", "manifest.json", "run_results.json"} <= written
    assert readable_by_others(built.warehouse.parent) == []


def test_what_is_published_is_for_readers(built: Workspace, tmp_path: Path) -> None:
    to = tmp_path / "published"

    published = publish(built.warehouse, to)

    for path in (published.database, *published.parquet):
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert stat.S_IMODE((to / "marts").stat().st_mode) == 0o755


def test_the_umask_is_as_before(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), private():
        (tmp_path / "mine").mkdir()
        _ = 1 / 0
    (tmp_path / "ours").mkdir()

    assert readable_by_others(tmp_path) == ["ours"]


def a_file(path: Path) -> None:
    path.write_text("somebody's")


def a_directory(path: Path) -> None:
    path.mkdir()
    (path / "notes").write_text("somebody's")


def a_link(path: Path) -> None:
    elsewhere = path.parent / "elsewhere"
    a_directory(elsewhere)
    path.symlink_to(elsewhere)


def a_link_to_nowhere(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


def everything_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize(
    ("name", "puts", "says"),
    [
        ("w.duckdb.lock", a_directory, r"w\.duckdb\.lock is no plain file"),
        ("w.duckdb.lock", a_link, r"w\.duckdb\.lock is no plain file"),
        ("w.duckdb.lock", a_link_to_nowhere, r"w\.duckdb\.lock is no plain file"),
        ("w.duckdb.landing", a_file, r"w\.duckdb\.landing is a link or a file"),
        ("w.duckdb.landing", a_link, r"w\.duckdb\.landing is a link or a file"),
    ],
)
@pytest.mark.parametrize("of", [Path, lambda path: LakeUrl(str(path))], ids=["duckdb", "lake"])
def test_what_is_in_the_way_of_a_load_is_named_and_left_alone(
    tmp_path: Path,
    of: Callable[[Path], Path | LakeUrl],
    name: str,
    puts: Callable[[Path], None],
    says: str,
) -> None:
    puts(tmp_path / name)
    before = everything_in(tmp_path)

    with pytest.raises(InfraspendError, match=says):
        create_raw_tables(of(tmp_path / "w.duckdb"))

    assert everything_in(tmp_path) - {"w.duckdb.lock"} == before - {"w.duckdb.lock"}


def test_a_link_to_a_warehouse_is_that_warehouse(warehouse: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.duckdb"
    link.symlink_to(warehouse)

    create_raw_tables(link)

    assert link.is_symlink()
    assert everything_in(tmp_path) == {
        "link.duckdb",
        "warehouse",
        "warehouse/infraspend.duckdb",
        "warehouse/infraspend.duckdb.lock",
    }


@pytest.mark.parametrize(
    ("name", "puts", "says"),
    [
        (".publishing.lock", a_directory, r"\.publishing\.lock is no plain file"),
        (".publishing.lock", a_link, r"\.publishing\.lock is no plain file"),
        (".publishing-x", a_link, r"\.publishing-x is a link or a file"),
        (".publishing-x", a_file, r"\.publishing-x is a link or a file"),
        ("infraspend.duckdb", a_directory, r"cannot publish here .*directory"),
        ("marts", a_file, r"cannot publish here .*marts"),
        ("marts", a_link_to_nowhere, r"cannot publish here .*marts"),
    ],
)
def test_what_is_in_the_way_of_a_publish_is_named_and_left_alone(
    built: Workspace, tmp_path: Path, name: str, puts: Callable[[Path], None], says: str
) -> None:
    to = tmp_path / "published"
    to.mkdir()
    puts(to / name)
    before = everything_in(to)

    with pytest.raises(InfraspendError, match=says):
        publish(built.warehouse, to)

    assert everything_in(to) >= before


def test_a_mart_that_is_a_link_is_named_and_left_alone(built: Workspace, tmp_path: Path) -> None:
    a_link_of_ours = tmp_path / "marts" / "orgs"
    a_link_of_ours.parent.mkdir()
    a_link(a_link_of_ours)

    with pytest.raises(InfraspendError, match="orgs is a link"):
        publish(built.warehouse, tmp_path)

    assert (tmp_path / "marts" / "elsewhere" / "notes").exists()


def test_a_file_in_the_way_of_a_build_is_named(built: Workspace) -> None:
    artifacts = built.warehouse.with_name("infraspend.duckdb.dbt")
    artifacts.rename(artifacts.with_name("aside"))
    a_file(artifacts)

    with pytest.raises(InfraspendError, match=r"infraspend\.duckdb\.dbt.* cannot be written"):
        built.build()
