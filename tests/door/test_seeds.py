"""Whatever the path of the seeds and the order of their columns: right, or refused.

And no byte of them ever changes: given an absolute path, dbt overwrites the CSVs it reads with
what it compiled.
"""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from builder import unproven
from builder.seeds import path_for_dbt
from loaders.errors import InfraspendError
from tests.houses import House


@pytest.fixture
def elsewhere(fresh: House, tmp_path: Path) -> Path:
    """The seeds of an organisation, in a repository of its own."""
    return fresh.seeds.rename(tmp_path / "our facts")


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def orgs(house: House) -> list[tuple[str, int]]:
    with duckdb.connect(str(house.warehouse), read_only=True) as connection:
        return connection.execute("select org, teams from marts.orgs order by org").fetchall()


def test_an_absolute_path_and_columns_in_another_order(
    fresh: House, elsewhere: Path, built_house: House
) -> None:
    teams = elsewhere / "teams.csv"
    rows = [line.split(",") for line in teams.read_text().splitlines()]
    teams.write_text("".join(f"{','.join(reversed(row))}\n" for row in rows))
    before = contents(elsewhere)
    assert elsewhere.is_absolute()

    result = fresh.build(seeds=elsewhere)

    assert result.succeeded
    assert contents(elsewhere) == before
    assert orgs(fresh) == orgs(built_house)


def test_the_path_for_dbt_never_leaves_the_project(
    fresh: House, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
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


def test_links_to_seeds_that_are_gone_are_taken_away(fresh: House, elsewhere: Path) -> None:
    gone = fresh.project / path_for_dbt(elsewhere, fresh.project)
    moved = elsewhere.rename(elsewhere.with_name("moved"))

    path = path_for_dbt(moved, fresh.project)

    assert [link.name for link in gone.parent.iterdir()] == [Path(path).name]


def test_plain_dbt_finds_nothing_at_an_absolute_path(fresh: House, elsewhere: Path) -> None:
    before = contents(elsewhere)

    run = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "build", "--profiles-dir", "."],
        cwd=fresh.project,
        env=os.environ
        | {"INFRASPEND_SEEDS": str(elsewhere), "INFRASPEND_WAREHOUSE": str(fresh.warehouse)},
        capture_output=True,
        check=False,
    )

    assert run.returncode != 0
    assert contents(elsewhere) == before


def test_a_missing_seed_is_named(fresh: House, elsewhere: Path) -> None:
    (elsewhere / "platforms.csv").unlink()

    with pytest.raises(InfraspendError, match=r"platforms\.csv is missing"):
        fresh.build(seeds=elsewhere)


def test_short_seeds_are_named_all_at_once(fresh: House, elsewhere: Path) -> None:
    (elsewhere / "teams.csv").write_text("team,org,valid_from,valid_until\n")
    (elsewhere / "reports.csv").write_text("")

    with pytest.raises(InfraspendError, match=r"teams\.csv lacks contact") as refusal:
        fresh.build(seeds=elsewhere)

    assert "reports.csv lacks report, payer_account_id" in str(refusal.value)
    assert unproven(fresh.warehouse) is None


def test_a_column_that_is_there_twice_is_named(fresh: House, elsewhere: Path) -> None:
    (elsewhere / "teams.csv").write_text("team,org,contact,valid_from,valid_until,team\n")

    with pytest.raises(InfraspendError, match=r"teams\.csv has team twice"):
        fresh.build(seeds=elsewhere)


def test_a_seed_that_is_no_text_is_named(fresh: House, elsewhere: Path) -> None:
    (elsewhere / "teams.csv").write_bytes(b"team,\xff\xfe\n")

    with pytest.raises(InfraspendError, match=r"teams\.csv cannot be read"):
        fresh.build(seeds=elsewhere)


def test_a_mark_of_the_byte_order_is_no_part_of_a_column(fresh: House, elsewhere: Path) -> None:
    teams = elsewhere / "teams.csv"
    teams.write_text(teams.read_text(), encoding="utf-8-sig")

    assert fresh.build(seeds=elsewhere).succeeded


def test_no_directory_of_seeds(fresh: House, tmp_path: Path) -> None:
    with pytest.raises(InfraspendError, match="there is no such directory of seeds"):
        fresh.build(seeds=tmp_path / "nowhere")
