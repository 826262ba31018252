"""Whatever the path of the seeds and the order of their columns: right, or refused.

And no byte of them ever changes: given a path that leaves the project, dbt by itself overwrites the
CSVs it reads with what it compiled.
"""

import os
from pathlib import Path

import duckdb
import pytest

from infraspend.builder import unproven
from infraspend.builder.seeds import OPTIONAL_SEEDS, SEED_COLUMNS, path_for_dbt
from infraspend.loaders.errors import InfraspendError
from tests.workspaces import Workspace


@pytest.fixture
def elsewhere(fresh: Workspace, tmp_path: Path) -> Path:
    """The seeds of an organisation, in a repository of its own."""
    return fresh.seeds.rename(tmp_path / "our facts")


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def orgs(workspace: Workspace) -> list[tuple[str, int]]:
    with duckdb.connect(str(workspace.warehouse), read_only=True) as connection:
        return connection.execute("select org, teams from marts.orgs order by org").fetchall()


@pytest.mark.thorough
def test_an_absolute_path_and_columns_in_another_order(
    fresh: Workspace, elsewhere: Path, built_workspace: Workspace
) -> None:
    teams = elsewhere / "teams.csv"
    rows = [line.split(",") for line in teams.read_text().splitlines()]
    teams.write_text("".join(f"{','.join(reversed(row))}\n" for row in rows))
    before = contents(elsewhere)
    assert elsewhere.is_absolute()

    result = fresh.build(seeds=elsewhere)

    assert result.succeeded
    assert contents(elsewhere) == before
    assert orgs(fresh) == orgs(built_workspace)


def test_the_path_for_dbt_never_leaves_the_project(
    fresh: Workspace, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = fresh.project / "facts"
    inside.mkdir()
    monkeypatch.chdir(inside)
    steps_up = Path(os.path.relpath(elsewhere))

    for seeds in (inside, elsewhere, steps_up):
        path = path_for_dbt(seeds, fresh.project)
        assert not Path(path).is_absolute()
        assert ".." not in Path(path).parts
        assert (fresh.project / path).resolve() == seeds.resolve()

    assert path_for_dbt(elsewhere, fresh.project) == path_for_dbt(steps_up, fresh.project)


def test_links_to_seeds_that_are_gone_are_taken_away(fresh: Workspace, elsewhere: Path) -> None:
    (elsewhere / "reports.csv").unlink()
    links = (fresh.project / path_for_dbt(elsewhere, fresh.project)).parent
    moved = elsewhere.rename(elsewhere.with_name("moved"))
    (moved / "reports.csv").write_text("report,payer_account_id,valid_from,valid_until\n")

    path_for_dbt(moved, fresh.project)

    assert {link.readlink() for link in links.glob("seeds-*")} == {moved.resolve()}
    assert not list(links.glob("missing-*/*"))


def test_a_link_of_the_users_may_point_elsewhere_later(
    fresh: Workspace, elsewhere: Path, tmp_path: Path
) -> None:
    current, newer = tmp_path / "current", tmp_path / "newer facts"
    newer.mkdir()
    current.symlink_to(elsewhere)
    path_for_dbt(current, fresh.project)
    current.unlink()
    current.symlink_to(newer)

    seen = {link.resolve() for link in (fresh.project / ".infraspend").glob("seeds-*")}

    assert seen == {elsewhere.resolve(), newer.resolve()}


@pytest.mark.thorough
def test_plain_dbt_finds_nothing_at_a_path_that_nobody_has_seen(
    fresh: Workspace, elsewhere: Path
) -> None:
    before = contents(elsewhere)

    done = fresh.plain_dbt("build", INFRASPEND_SEEDS=str(elsewhere))

    assert done.returncode != 0
    assert contents(elsewhere) == before


def spellings(fresh: Workspace, elsewhere: Path) -> dict[str, str]:
    """The ways to say where the seeds are."""
    link = elsewhere.with_name("by a link")
    link.symlink_to(elsewhere)
    path_for_dbt(link, fresh.project)
    return {
        "absolute": f"{elsewhere}/",
        "absolute, by a link": str(link),
        "relative": os.path.relpath(elsewhere, fresh.project),
    }


@pytest.mark.thorough
@pytest.mark.parametrize("spelling", ["absolute", "absolute, by a link", "relative"])
def test_plain_dbt_takes_any_path_that_was_seen_and_changes_no_byte(
    fresh: Workspace, elsewhere: Path, built_workspace: Workspace, spelling: str
) -> None:
    for seed in OPTIONAL_SEEDS:
        (elsewhere / f"{seed}.csv").unlink()
    path = spellings(fresh, elsewhere)[spelling]
    before = contents(elsewhere)

    done = fresh.plain_dbt("build", INFRASPEND_SEEDS=path)

    assert done.returncode == 0, done.stdout
    assert contents(elsewhere) == before
    assert orgs(fresh) == orgs(built_workspace)


@pytest.mark.thorough
def test_a_path_of_many_steps_up_is_as_good_as_an_absolute_one(
    fresh: Workspace, elsewhere: Path
) -> None:
    # With more of them than the project is deep, dbt would write to the CSVs themselves.
    steps = "../" * (len(fresh.project.parts) + 5)
    path = f"{steps}{elsewhere.relative_to(elsewhere.anchor)}"
    before = contents(elsewhere)

    done = fresh.plain_dbt("build", INFRASPEND_SEEDS=path)

    assert done.returncode != 0
    assert contents(elsewhere) == before


@pytest.mark.thorough
@pytest.mark.parametrize("is_inside", [True, False])
def test_optional_seeds_that_are_missing_are_empty(
    fresh: Workspace, tmp_path: Path, is_inside: bool
) -> None:
    seeds = fresh.seeds.rename(fresh.project / "facts" if is_inside else tmp_path / "facts")
    for seed in OPTIONAL_SEEDS:
        (seeds / f"{seed}.csv").unlink()
    before = contents(seeds)

    assert fresh.build(seeds=seeds).succeeded

    assert contents(seeds) == before
    with duckdb.connect(str(fresh.warehouse), read_only=True) as connection:
        for seed in OPTIONAL_SEEDS:
            table = connection.execute(f"from seeds.{seed}")
            assert tuple(column[0] for column in table.description or ()) == SEED_COLUMNS[seed]
            assert table.fetchall() == []


@pytest.mark.thorough
def test_an_optional_seed_that_comes_later_counts(fresh: Workspace, elsewhere: Path) -> None:
    reports = elsewhere / "reports.csv"
    header = reports.read_text()
    reports.unlink()
    path_for_dbt(elsewhere, fresh.project)
    reports.write_text(f"{header}hourly,000000000001,,\n")

    # Plain dbt sees both, and stops.
    assert "two seeds" in fresh.plain_dbt("build", INFRASPEND_SEEDS=str(elsewhere)).stdout
    assert fresh.build(seeds=elsewhere).succeeded

    with duckdb.connect(str(fresh.warehouse), read_only=True) as connection:
        assert connection.execute("select report from seeds.reports").fetchall() == [("hourly",)]


@pytest.mark.thorough
def test_seeds_of_headers_alone_are_good(fresh: Workspace, elsewhere: Path) -> None:
    for seed, columns in SEED_COLUMNS.items():
        (elsewhere / f"{seed}.csv").write_text(f"{','.join(columns)}\n")

    assert fresh.build(seeds=elsewhere).succeeded
    assert orgs(fresh) == []


def test_a_missing_seed_is_named(fresh: Workspace, elsewhere: Path) -> None:
    (elsewhere / "platforms.csv").unlink()

    with pytest.raises(InfraspendError, match=r"platforms\.csv is missing"):
        fresh.build(seeds=elsewhere)


def test_short_seeds_are_named_all_at_once(fresh: Workspace, elsewhere: Path) -> None:
    (elsewhere / "teams.csv").write_text("team,org,valid_from,valid_until\n")
    (elsewhere / "reports.csv").write_text("")

    with pytest.raises(InfraspendError, match=r"teams\.csv lacks contact") as refusal:
        fresh.build(seeds=elsewhere)

    assert refusal.value.mistakes == (
        "teams.csv lacks contact",
        "reports.csv lacks report, payer_account_id, valid_from, valid_until",
    )
    assert unproven(fresh.warehouse) is None


def test_a_column_that_is_there_twice_is_named(fresh: Workspace, elsewhere: Path) -> None:
    (elsewhere / "teams.csv").write_text("team,org,contact,valid_from,valid_until,team\n")

    with pytest.raises(InfraspendError, match=r"teams\.csv has team twice"):
        fresh.build(seeds=elsewhere)


def test_a_seed_that_is_no_text_is_named(fresh: Workspace, elsewhere: Path) -> None:
    (elsewhere / "teams.csv").write_bytes(b"team,\xff\xfe\n")

    with pytest.raises(InfraspendError, match=r"teams\.csv cannot be read"):
        fresh.build(seeds=elsewhere)


@pytest.mark.thorough
def test_a_mark_of_the_byte_order_is_no_part_of_a_column(fresh: Workspace, elsewhere: Path) -> None:
    teams = elsewhere / "teams.csv"
    teams.write_text(teams.read_text(), encoding="utf-8-sig")

    assert fresh.build(seeds=elsewhere).succeeded


def test_no_directory_of_seeds(fresh: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InfraspendError, match="there is no such directory of seeds"):
        fresh.build(seeds=tmp_path / "nowhere")
