"""What a build checks before, what it records after, and how it says what failed."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from infraspend.builder import build, is_up_to_date, unproven
from infraspend.builder.building import _BUILD_MEMORY
from infraspend.loaders.clock import utc_now
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.open_warehouse import create_raw_tables
from tests.loaders.queries import rows
from tests.workspaces import ROOT, Workspace, load


def test_a_good_build_is_recorded_as_whole(fresh: Workspace) -> None:
    before = {path.name for path in fresh.project.iterdir()}
    messages: list[str] = []

    result = build(fresh.warehouse, fresh.project, fresh.seeds, progress=messages.append)

    assert result.succeeded
    assert (result.models, result.tests) == (1, 1)
    assert any("orgs" in line for line in messages)
    assert result.may_be_published
    assert unproven(fresh.warehouse) == ()
    # What dbt writes lies beside the warehouse: two warehouses may be built at once.
    assert {path.name for path in fresh.project.iterdir()} <= before | {".user.yml", ".infraspend"}
    assert result.log.is_file()


@pytest.mark.thorough
def test_a_part_of_the_project_leaves_the_rest_as_it_was(built: Workspace) -> None:
    result = built.build("--select", "orgs")

    assert result.succeeded
    assert result.may_be_published


@pytest.mark.thorough
def test_what_was_built_without_rows_is_not_published(built: Workspace) -> None:
    result = built.build("--empty")

    assert result.succeeded
    assert not result.may_be_published
    assert {one.why for one in result.unproven} == {"its last run ended with: empty"}
    assert built.build().may_be_published


@pytest.mark.thorough
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("memory.duckdb", id="what DuckDB keeps in memory"),
        pytest.param("1st-select.db", id="no word of SQL"),
        pytest.param('it\'s "ours"/{{ 7 * 7 }}/all.duckdb', id="quotes and braces"),
    ],
)
def test_a_warehouse_may_have_any_name(fresh: Workspace, name: str) -> None:
    warehouse = fresh.root / name
    warehouse.parent.mkdir(parents=True, exist_ok=True)
    fresh.warehouse.rename(warehouse)

    result = build(warehouse, fresh.project, fresh.seeds)

    assert result.succeeded, result.failures
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        assert connection.sql("from marts.orgs").fetchall()


@pytest.mark.thorough
def test_a_failing_test_names_its_row_and_where_to_look(fresh: Workspace) -> None:
    resources = fresh.seeds / "platform_resources.csv"
    resources.write_text(resources.read_text() + "no-such-platform,main,a-label,,,,,\n")

    result = fresh.build()

    assert not result.succeeded
    (failure,) = (line for line in result.failures if line.startswith("relationships_"))
    assert "models/properties.yml" in failure
    assert "no-such-platform" in failure
    assert Path(failure.rpartition("the query: ")[2]).is_file()
    assert not result.may_be_published


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("select org, cast('many' as bigint) as teams from {{ ref('teams') }}", "many"),
        ("select * from {{ ref('nowhere') }}", "nowhere"),
    ],
    ids=["does not run", "does not compile"],
)
def test_a_bad_model_is_one_line(fresh: Workspace, model: str, says: str) -> None:
    (fresh.project / "models" / "marts" / "orgs.sql").write_text(model)

    result = fresh.build()

    assert not result.succeeded
    (failure,) = result.failures
    assert says in failure
    assert "models/marts/orgs.sql" in failure
    assert "\n" not in failure


@pytest.mark.thorough
def test_a_wrong_argument_of_dbt_is_said(built: Workspace) -> None:
    result = built.build("--no-such-option")

    assert not result.succeeded
    assert "--no-such-option" in result.failures[0]
    assert "--no-such-option" in result.printed.read_text()


def test_a_killed_build_never_counts(built: Workspace) -> None:
    # What a build leaves that never came to its end.
    with duckdb.connect(built.warehouse) as connection:
        connection.execute(
            "insert into pipeline.results select * replace (run + 1 as run)"
            " from pipeline.results where status = 'started'"
        )

    run = built.build("--select", "orgs")

    assert {one.why for one in run.unproven} == {"the run that began it did not end"}
    assert built.build().may_be_published


@pytest.mark.thorough
def test_too_little_memory_is_one_line_that_says_what_to_set(
    fresh: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFRASPEND_MEMORY", "60MB")
    # A list is one value, which DuckDB cannot put on the disk.
    (fresh.project / "models/marts/orgs.sql").write_text(
        "select 'any' as org, cast(len(list(range)) as bigint) as teams from range(20000000)"
    )

    result = fresh.build()

    assert not result.succeeded
    line, *skipped = result.failures
    assert line.startswith("orgs: DuckDB needs more memory than the 60MB that it may take: set ")
    assert "INFRASPEND_MEMORY=3GB" in line
    assert all("were skipped" in one for one in skipped)


def test_the_memory_of_a_build_is_that_of_the_profile() -> None:
    assert f"env_var('INFRASPEND_MEMORY', '{_BUILD_MEMORY}')" in (ROOT / "profiles.yml").read_text()


@pytest.mark.thorough
def test_dbt_ends_with_the_process_that_started_it(built: Workspace) -> None:
    model = built.project / "models/marts/orgs.sql"
    model.write_text(
        "select 'any' as org, count(*) filter (where hash(a.range, b.range) > 1) as teams"
        " from range(1000000) as a, range(1000000) as b"
    )
    build_it = (
        "import sys; from pathlib import Path; from infraspend.builder import build;"
        " build(*map(Path, sys.argv[1:]), progress=lambda line: print(line, flush=True))"
    )
    places = map(str, (built.warehouse, built.project, built.seeds))
    with subprocess.Popen(
        [sys.executable, "-c", build_it, *places], stdout=subprocess.PIPE, text=True
    ) as building:
        assert building.stdout is not None
        assert any("orgs" in line for line in building.stdout)
        with pytest.raises(duckdb.IOException, match="held in"):
            duckdb.connect(built.warehouse, read_only=True)
        building.kill()

    until_free = Retrying(
        retry=retry_if_exception_type(duckdb.IOException),
        wait=wait_fixed(0.2),
        stop=stop_after_delay(10),
        reraise=True,
    )
    until_free(duckdb.connect, built.warehouse, read_only=True).close()


def test_the_same_input_needs_no_second_build(built: Workspace) -> None:
    assert is_up_to_date(built.warehouse, built.project, built.seeds)


def test_a_new_delivery_needs_a_build(built: Workspace) -> None:
    load(built.warehouse, "another-delivery")

    assert not is_up_to_date(built.warehouse, built.project, built.seeds)


@pytest.mark.parametrize("name", ["seeds/teams.csv", "models/marts/orgs.sql", "profiles.yml"])
def test_an_edit_needs_a_build(built: Workspace, name: str) -> None:
    with (built.project / name).open("a") as file:
        file.write("\n")

    assert not is_up_to_date(built.warehouse, built.project, built.seeds)


def test_a_warehouse_that_was_never_built_needs_a_build(fresh: Workspace) -> None:
    assert not is_up_to_date(fresh.warehouse, fresh.project, fresh.seeds)


@pytest.mark.thorough
def test_the_record_is_in_utc_wherever_the_machine_is(
    fresh: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    (fresh.project / "models" / "marts" / "orgs.sql").write_text(
        "select current_setting('TimeZone') as org, cast(1 as bigint) as teams"
    )
    began = utc_now().replace(microsecond=0)

    assert fresh.build().succeeded

    ended = utc_now()
    ((first, last),) = rows(
        fresh.warehouse, "select min(noted_at), max(noted_at) from pipeline.results"
    )
    assert began <= first <= last <= ended
    assert rows(fresh.warehouse, "select org from marts.orgs") == [("UTC",)]


def test_no_warehouse(fresh: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InfraspendError, match="infraspend load aws-cur --from DIR"):
        build(tmp_path / "nowhere.duckdb", fresh.project, fresh.seeds)


@pytest.mark.thorough
def test_nothing_loaded(fresh: Workspace, tmp_path: Path) -> None:
    create_raw_tables(tmp_path / "empty.duckdb")

    with pytest.raises(InfraspendError, match="nothing was loaded yet"):
        build(tmp_path / "empty.duckdb", fresh.project, fresh.seeds)


def test_another_database(fresh: Workspace, tmp_path: Path) -> None:
    database = tmp_path / "somebody-elses.duckdb"
    duckdb.connect(str(database)).close()

    with pytest.raises(InfraspendError, match="not a warehouse of Infraspend"):
        build(database, fresh.project, fresh.seeds)


def test_no_database(fresh: Workspace, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("This is no database. " * 1000)

    with pytest.raises(InfraspendError, match=r"notes\.txt: cannot be opened"):
        build(text, fresh.project, fresh.seeds)


def test_a_warehouse_in_use(fresh: Workspace) -> None:
    holds = (
        "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); "
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holds, str(fresh.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InfraspendError, match=rf"process {other.pid} \(.+\) has the warehouse"):
            fresh.build()
        other.communicate("")
