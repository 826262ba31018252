"""Only whole, tested marts are published, and nobody who reads them notices how."""

import os
import subprocess
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock

from infraspend.loaders.errors import InfraspendError
from infraspend.publishers.marts import publish
from infraspend.publishers.queries import read_analyses
from tests.workspaces import ROOT, Workspace


def rows_of(warehouse: Path) -> list[tuple[str, int]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute("select * from marts.orgs order by org").fetchall()


def change(workspace: Workspace, statement: str) -> None:
    with duckdb.connect(str(workspace.warehouse)) as connection:
        connection.execute(statement)


def test_every_mart_is_there_in_both_forms(built: Workspace, tmp_path: Path) -> None:
    to = tmp_path / "published"

    published = publish(built.warehouse, to)

    assert published.database == to / "infraspend.duckdb"
    assert published.parquet == (to / "marts" / "orgs.parquet",)
    rows = rows_of(built.warehouse)
    assert published.rows == {"orgs": len(rows)}
    assert rows_of(published.database) == rows
    assert duckdb.read_parquet(str(published.parquet[0])).order("org").fetchall() == rows
    assert {path.name for path in to.iterdir()} - {".publishing.lock"} == {
        "infraspend.duckdb",
        "marts",
    }


def test_only_the_marts_leave_the_warehouse(built: Workspace, tmp_path: Path) -> None:
    published = publish(built.warehouse, tmp_path)

    with duckdb.connect(str(published.database), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables()"
        ).fetchall()
    assert set(tables) == {("marts", "orgs"), ("main", "build")}


def test_show_tables_lists_the_marts_and_what_they_were_made_from(
    built: Workspace, tmp_path: Path
) -> None:
    published = publish(built.warehouse, tmp_path)

    with duckdb.connect(str(published.database), read_only=True) as connection:
        assert connection.execute("show tables").fetchall() == [("build",), ("orgs",)]
        exact = connection.execute("from orgs order by org").fetchall()
        ((models, tests, made_from),) = connection.execute(
            "select models, tests_passed, made_from from build"
        ).fetchall()
    assert exact == rows_of(built.warehouse)
    assert models > 0 and tests > 0 and len(made_from) == 64
    # By another name as well.
    with duckdb.connect() as connection:
        connection.execute(f"attach '{published.database}' as other (read_only)")
        assert connection.execute("from other.main.orgs order by org").fetchall() == exact
        assert connection.execute("select count(*) from other.rounded.orgs").fetchall() == [
            (len(exact),)
        ]


def test_comments_come_along(built: Workspace, tmp_path: Path) -> None:
    published = publish(built.warehouse, tmp_path)

    with duckdb.connect(str(published.database), read_only=True) as connection:
        table = connection.execute(
            "select comment from duckdb_tables() where schema_name = 'marts'"
        ).fetchone()
        columns = connection.execute(
            "select comment from duckdb_columns() where schema_name = 'marts'"
        ).fetchall()
    assert table == ("The orgs of the company, counted by an 'analyst'.",)
    assert columns == [("What teams belong to.",), ("How many teams it has.",)]


def test_older_duckdbs_can_read_it(built: Workspace, tmp_path: Path) -> None:
    published = publish(built.warehouse, tmp_path)

    with duckdb.connect() as connection:
        connection.execute(f"attach '{published.database}' as published (read_only)")
        tags = connection.execute(
            "select tags['storage_version'] from duckdb_databases() "
            "where database_name = 'published'"
        ).fetchone()
    assert tags is not None
    assert tags[0].startswith("v1.2.0")


def test_publishing_again_changes_nothing(built: Workspace, tmp_path: Path) -> None:
    first = publish(built.warehouse, tmp_path)
    before = rows_of(first.database)

    again = publish(built.warehouse, tmp_path)

    assert again == first
    assert rows_of(again.database) == before


def test_a_reader_keeps_what_it_opened(built: Workspace, tmp_path: Path) -> None:
    published = publish(built.warehouse, tmp_path)
    before = rows_of(published.database)
    with duckdb.connect(str(built.warehouse)) as connection:
        connection.execute("insert into marts.orgs values ('newcomers', 1)")

    with duckdb.connect(str(published.database), read_only=True) as reader:
        publish(built.warehouse, tmp_path)
        kept = reader.execute("select * from marts.orgs order by org").fetchall()

    assert kept == before
    assert ("newcomers", 1) in rows_of(published.database)


def test_a_mart_that_is_gone_is_not_left_behind(built: Workspace, tmp_path: Path) -> None:
    publish(built.warehouse, tmp_path)
    strangers = tmp_path / "marts" / "notes.parquet"
    strangers.write_text("not ours")
    change(built, "create table marts.teams as from marts.orgs")
    change(built, "update pipeline.nodes set name = 'teams' where name = 'orgs'")

    publish(built.warehouse, tmp_path)

    assert {path.name for path in (tmp_path / "marts").iterdir()} == {
        "teams.parquet",
        "notes.parquet",
    }


def test_a_mart_that_fails_a_test_is_not_published(built: Workspace, tmp_path: Path) -> None:
    (built.project / "tests").mkdir()
    (built.project / "tests" / "never_right.sql").write_text("select 1 as wrong")
    assert not built.build().succeeded

    with pytest.raises(InfraspendError, match="never_right: its last run ended with: fail"):
        publish(built.warehouse, tmp_path / "published")

    assert not (tmp_path / "published").exists()


@pytest.mark.thorough
def test_what_was_built_and_not_tested_since_is_not_published(
    built: Workspace, tmp_path: Path
) -> None:
    assert built.build("--exclude-resource-type", "test").succeeded

    with pytest.raises(InfraspendError, match="it is older than what it reads: seed"):
        publish(built.warehouse, tmp_path)

    assert built.build("--select", "test_type:data").may_be_published
    assert publish(built.warehouse, tmp_path).rows.keys() == {"orgs"}


def test_what_was_never_built_is_refused(fresh: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InfraspendError, match="was never built"):
        publish(fresh.warehouse, tmp_path)


def test_the_warehouse_is_never_overwritten(built: Workspace) -> None:
    before = built.warehouse.read_bytes()

    with pytest.raises(InfraspendError, match="is the warehouse itself"):
        publish(built.warehouse, built.warehouse.parent)

    assert built.warehouse.read_bytes() == before


def test_a_directory_that_cannot_be_written_is_named(built: Workspace, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("in the way")

    with pytest.raises(InfraspendError, match="a-file"):
        publish(built.warehouse, tmp_path / "a-file" / "published")


def test_a_failure_in_the_middle_leaves_the_old_files(built: Workspace, tmp_path: Path) -> None:
    published = publish(built.warehouse, tmp_path)
    before = published.database.read_bytes()
    change(
        built,
        "insert into pipeline.nodes values ('model.x.y', 'model', 'marts', 'not_there', '')",
    )

    with pytest.raises(InfraspendError, match="not_there"):
        publish(built.warehouse, tmp_path)

    assert published.database.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} >= {"infraspend.duckdb", "marts"}
    assert not list(tmp_path.glob(".publishing-*"))


def by_month(workspace: Workspace, months: str) -> None:
    change(
        workspace,
        "create or replace table marts.orgs as select org, teams, billing_period from marts.orgs"
        f" cross join (select unnest({months}) as billing_period)",
    )


def test_parquet_lies_by_month_of_the_bill(built: Workspace, tmp_path: Path) -> None:
    by_month(built, "['2026-10', '2026-11']")

    (folder,) = publish(built.warehouse, tmp_path).parquet

    assert folder == tmp_path / "marts" / "orgs"
    assert {path.name for path in folder.iterdir()} == {
        "billing_period=2026-10",
        "billing_period=2026-11",
    }
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        expected = connection.execute("from marts.orgs order by all").fetchall()
    found = duckdb.read_parquet(f"{folder}/*/*.parquet", hive_partitioning=True)
    assert found.types[-1] == "VARCHAR"
    assert found.order("all").fetchall() == expected


def test_parquet_without_a_month_of_the_bill_lies_by_month_of_usage(
    built: Workspace, tmp_path: Path
) -> None:
    by_month(built, "['2026-10', '2026-11']")
    change(built, "alter table marts.orgs rename billing_period to usage_month")

    (folder,) = publish(built.warehouse, tmp_path).parquet

    assert {path.name for path in folder.iterdir()} == {
        "usage_month=2026-10",
        "usage_month=2026-11",
    }
    # Again, over what is there.
    assert publish(built.warehouse, tmp_path).parquet == (folder,)


def test_a_mart_goes_from_one_file_to_months_and_back(built: Workspace, tmp_path: Path) -> None:
    publish(built.warehouse, tmp_path)
    by_month(built, "['2026-10', '2026-11']")
    publish(built.warehouse, tmp_path)
    change(built, "delete from marts.orgs where billing_period = '2026-10'")
    publish(built.warehouse, tmp_path)
    marts = tmp_path / "marts"
    assert sorted(path.relative_to(marts).as_posix() for path in marts.rglob("*")) == [
        "orgs",
        "orgs/billing_period=2026-11",
        "orgs/billing_period=2026-11/data_0.parquet",
    ]

    change(built, "alter table marts.orgs drop billing_period")
    publish(built.warehouse, tmp_path)

    assert [path.name for path in marts.iterdir()] == ["orgs.parquet"]


def test_analyses_of_what_is_published_are_views(built: Workspace, tmp_path: Path) -> None:
    folder = built.project / "analyses"
    folder.mkdir()
    (folder / "large.sql").write_text(
        "-- Orgs.\nselect org, teams from {{ ref('orgs') }} where teams > 0"
    )
    (folder / "all_of_them.sql").write_text("select org from {{ ref('orgs') }} order by org")
    (folder / "of_the_warehouse.sql").write_text("select * from {{ ref('stg_seeds__teams') }}")

    published = publish(built.warehouse, tmp_path, project=built.project)

    with duckdb.connect(str(published.database), read_only=True) as connection:
        orgs = connection.execute("from analyses.all_of_them").fetchall()
        assert orgs == [(org,) for org, _ in rows_of(built.warehouse)]
        views = connection.execute(
            "select view_name from duckdb_views() where schema_name = 'analyses' order by all"
        ).fetchall()
    assert views == [("all_of_them",), ("large",)]


def test_who_attaches_the_file_names_it_as_he_likes(built: Workspace, tmp_path: Path) -> None:
    folder = built.project / "analyses"
    folder.mkdir(exist_ok=True)
    (folder / "large.sql").write_text("select org from {{ ref('orgs') }} order by org")
    published = publish(built.warehouse, tmp_path, project=built.project)

    with duckdb.connect() as connection:
        connection.execute(f"attach '{published.database}' as costs (read_only)")
        readable = connection.execute(
            "select schema_name || '.' || view_name from duckdb_views() where not internal"
            " union all select schema_name || '.' || function_name from duckdb_functions()"
            " where database_name = 'costs'"
        ).fetchall()
        assert {name for (name,) in readable} == {"analyses.large", "main.orgs", "rounded.orgs"}
        for (name,) in readable:
            assert connection.execute(f"from costs.{name}").fetchall()


def test_an_analysis_that_only_dbt_can_compile_stops_nothing(
    built: Workspace, tmp_path: Path
) -> None:
    folder = built.project / "analyses"
    folder.mkdir()
    (folder / "configured.sql").write_text("{{ config(enabled=true) }} select 1 as one")
    (folder / "asking.sql").write_text("select {{ var('nothing') }} as one")
    (folder / "wrong.sql").write_text("select nothing from {{ ref('orgs') }}")
    (folder / "right.sql").write_text("select org from {{ ref('orgs') }}")
    said: list[str] = []

    published = publish(built.warehouse, tmp_path / "to", said.append, built.project)

    with duckdb.connect(str(published.database), read_only=True) as connection:
        views = connection.execute(
            "select view_name from duckdb_views() where schema_name = 'analyses'"
        ).fetchall()
    assert views == [("right",)]
    named = [line.split()[1] for line in said if "is not published" in line]
    assert named == ["asking", "configured", "wrong"]


def test_all_analyses_of_the_project_are_published_and_described() -> None:
    marts = [path.stem for path in (ROOT / "models" / "marts").glob("*.sql")]
    said: list[str] = []

    analyses = read_analyses(ROOT, marts, said.append)

    assert said == []
    assert {one.name for one in analyses} == {
        path.stem for path in (ROOT / "analyses").glob("*.sql")
    }
    assert [one.name for one in analyses if not one.description.endswith((".", "?"))] == []


def test_an_analysis_says_what_it_answers(built: Workspace, tmp_path: Path) -> None:
    folder = built.project / "analyses"
    folder.mkdir()
    (folder / "large.sql").write_text(
        "-- Which orgs are there? It's\n-- the 'large' ones.\n--\n--     from analyses.large\n\n"
        "select org from {{ ref('orgs') }}\n-- No part of it.\n"
    )

    published = publish(built.warehouse, tmp_path, project=built.project)

    with duckdb.connect(str(published.database), read_only=True) as connection:
        comments = connection.execute(
            "select comment from duckdb_views() where schema_name = 'analyses'"
        ).fetchall()
    assert comments == [("Which orgs are there? It's the 'large' ones.",)]


def test_a_folder_with_something_else_is_not_replaced(built: Workspace, tmp_path: Path) -> None:
    by_month(built, "['2026-10', '2026-11']")
    notes = tmp_path / "marts" / "orgs" / "notes.txt"
    notes.parent.mkdir(parents=True)
    notes.write_text("not ours")

    with pytest.raises(InfraspendError, match=r"notes\.txt was not published here"):
        publish(built.warehouse, tmp_path)

    assert notes.read_text() == "not ours"


def test_two_runs_do_not_publish_to_the_same_directory(built: Workspace, tmp_path: Path) -> None:
    with (
        FileLock(tmp_path / ".publishing.lock"),
        pytest.raises(InfraspendError, match="being published to by another run"),
    ):
        publish(built.warehouse, tmp_path)


def test_what_a_killed_run_left_is_removed(built: Workspace, tmp_path: Path) -> None:
    (tmp_path / ".publishing-abc" / "orgs").mkdir(parents=True)

    publish(built.warehouse, tmp_path)

    assert not (tmp_path / ".publishing-abc").exists()


def test_what_is_published_is_on_the_disk_before_it_takes_the_place_of_the_old(
    built: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_month(built, "['2026-10', '2026-11']")
    synced, moved = set[int](), list[tuple[str, bool]]()
    sync, rename, replace = os.fsync, Path.rename, Path.replace

    def noting_sync(file: int) -> None:
        synced.add(os.fstat(file).st_ino)
        sync(file)

    def note(path: Path) -> None:
        files = [path] if path.is_file() else list(path.rglob("*.parquet"))
        moved.append((path.name, {file.stat().st_ino for file in files} <= synced))

    def noting_rename(path: Path, to: Path) -> Path:
        note(path)
        return rename(path, to)

    def noting_replace(path: Path, to: Path) -> Path:
        note(path)
        return replace(path, to)

    monkeypatch.setattr(os, "fsync", noting_sync)
    monkeypatch.setattr(Path, "rename", noting_rename)
    monkeypatch.setattr(Path, "replace", noting_replace)

    publish(built.warehouse, tmp_path)

    assert sorted(moved) == [("infraspend.duckdb", True), ("orgs", True)]


def test_what_names_a_row_is_its_key(built: Workspace, tmp_path: Path) -> None:
    by_month(built, "['2026-10', '2026-11']")
    project = tmp_path / "project"
    (project / "models" / "marts").mkdir(parents=True)
    described = project / "models" / "marts" / "orgs.yml"
    text = "models: [{name: orgs, data_tests: [{one_row_per: {arguments: {columns: [%s]%s}}}]}]"

    described.write_text(text % ("billing_period, org", ""))
    published = publish(built.warehouse, tmp_path / "one", project=project)
    assert constraints_of(published.database) == {
        ("NOT NULL", "billing_period"),
        ("NOT NULL", "org"),
        ("PRIMARY KEY", "billing_period, org"),
    }

    described.write_text(text % ("billing_period, org", ", nullable: [org]"))
    published = publish(built.warehouse, tmp_path / "two", project=project)
    assert constraints_of(published.database) == {("NOT NULL", "billing_period")}


def test_the_build_names_the_commit_of_its_project(built: Workspace, tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=someone", "-c", "user.email=someone@example.com")
        return subprocess.run(
            ("git", *identity, *arguments),
            cwd=built.project,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    def code() -> str | None:
        published = publish(built.warehouse, tmp_path, project=built.project)
        with duckdb.connect(str(published.database), read_only=True) as connection:
            ((found,),) = connection.execute("select code from build").fetchall()
        return None if found is None else str(found)

    assert code() is None

    # A repository of something else.
    git("init", "--quiet")
    git("commit", "--allow-empty", "--message", "Something else")
    assert code() is None

    git("add", "dbt_project.yml")
    git("commit", "--message", "The project")
    assert code() == git("rev-parse", "HEAD")

    with (built.project / "dbt_project.yml").open("a") as file:
        file.write("# Not committed yet.\n")
    assert code() == git("rev-parse", "HEAD") + "-dirty"


def constraints_of(database: Path) -> set[tuple[str, str]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute(
            "select constraint_type, constraint_column_names from duckdb_constraints()"
            " where schema_name = 'marts'"
        ).fetchall()
    return {(kind, ", ".join(columns)) for kind, columns in found}
