"""A warehouse is built with the seeds that it was built with before, unless a change is asked for.

And with those of the demo company only if its bill is the demo company's.
"""

import shutil
from pathlib import Path

import duckdb
import pytest

from infraspend.builder import choose_seeds, is_free_for_demo, known_seeds
from infraspend.builder.seed_choice import remember_seeds
from infraspend.builder.seeds import path_for_dbt
from infraspend.loaders import aws_cur
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.open_warehouse import create_raw_tables
from infraspend.loaders.warehouse import LakeUrl
from infraspend.simulation import SimulationResult, simulate
from infraspend.simulation.plan.company import PAYER, REPORTS
from tests.command_line.process import run
from tests.loaders.bills import charge, deliver_legacy, text_of
from tests.workspaces import ROOT, Workspace, load_bill

OTHER_BILLS = [("hourly", PAYER), (REPORTS[0], "012345678901")]
"""Bills that are not the simulation's: by their report, and by their payer."""


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    """The seeds of an organisation."""
    return Path(shutil.copytree(ROOT / "seeds", tmp_path / "our facts"))


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """The seeds of another one."""
    return Path(shutil.copytree(ROOT / "seeds", tmp_path / "other facts"))


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> SimulationResult:
    return simulate(tmp_path_factory.mktemp("company"), days=2, scale=0.05)


def settings(warehouse: Path) -> list[tuple[str, str]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute("from pipeline.settings where name = 'seeds'").fetchall()


def one_line(text: str) -> str:
    """The only line that is no news of work."""
    (line,) = (line for line in text.splitlines() if not line.startswith("20"))
    return line


# What a warehouse remembers


def test_a_build_notes_its_seeds_and_later_ones_use_them(fresh: Workspace, facts: Path) -> None:
    assert fresh.build(seeds=facts).succeeded

    assert settings(fresh.warehouse) == [("seeds", str(facts.resolve()))]
    chosen = choose_seeds(fresh.warehouse, fresh.warehouse, fresh.project)
    assert str(chosen) == f"{facts.resolve()} (as in the last build)"


def test_another_directory_is_refused_unless_the_change_is_asked_for(
    fresh: Workspace, facts: Path, others: Path
) -> None:
    remember_seeds(fresh.warehouse, facts)

    with pytest.raises(InfraspendError) as refusal:
        choose_seeds(fresh.warehouse, fresh.warehouse, fresh.project, others)

    for said in (str(facts), str(others), f"infraspend build --seeds {others} --change-seeds"):
        assert said in str(refusal.value)
    chosen = choose_seeds(fresh.warehouse, fresh.warehouse, fresh.project, others, change=True)
    assert chosen.directory == others.resolve()
    remember_seeds(fresh.warehouse, others)
    assert settings(fresh.warehouse) == [("seeds", str(others.resolve()))]


def test_one_directory_may_be_named_in_many_ways(
    fresh: Workspace, facts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember_seeds(fresh.warehouse, facts)
    link = facts.with_name("by a link")
    link.symlink_to(facts)
    monkeypatch.chdir(facts.parent)

    for named in (facts, link, Path(facts.name), Path(facts.name) / ".." / facts.name):
        assert known_seeds(fresh.warehouse, fresh.project, named) == facts.resolve()


def test_remembered_seeds_that_are_gone_are_missed(fresh: Workspace, facts: Path) -> None:
    remember_seeds(fresh.warehouse, facts)
    moved = facts.rename(facts.with_name("moved"))

    with pytest.raises(InfraspendError, match="not there any more") as refusal:
        choose_seeds(fresh.warehouse, fresh.warehouse, fresh.project)

    assert str(facts) in str(refusal.value)
    with pytest.raises(InfraspendError, match="--change-seeds"):
        choose_seeds(fresh.warehouse, fresh.warehouse, fresh.project, moved)


def test_a_warehouse_that_is_not_there_remembers_nothing(tmp_path: Path, facts: Path) -> None:
    assert known_seeds(tmp_path / "nowhere.duckdb", tmp_path) is None
    assert known_seeds(tmp_path / "nowhere.duckdb", tmp_path, facts) == facts.resolve()


# The demo company's


def test_without_a_bill_the_demo_company_serves(fresh: Workspace) -> None:
    chosen = choose_seeds(fresh.warehouse, fresh.warehouse, fresh.project)
    assert str(chosen) == f"{fresh.seeds.resolve()} (the demo company's)"


@pytest.mark.thorough
def test_the_demo_company_fits_the_bill_of_the_simulation(
    simulated: SimulationResult, tmp_path: Path
) -> None:
    warehouse, lake = tmp_path / "company.duckdb", LakeUrl(str(tmp_path / "lake"))
    for landed in (warehouse, lake):
        aws_cur.load(landed, str(simulated.bill))

        chosen = choose_seeds(tmp_path / "no record", landed, ROOT)

        assert chosen.directory == ROOT / "seeds"


@pytest.mark.parametrize("report", REPORTS)
def test_both_of_its_reports_are_known(fresh: Workspace, report: str) -> None:
    load_bill(fresh.warehouse, report, PAYER)
    choose_seeds(fresh.warehouse, fresh.warehouse, fresh.project)


@pytest.mark.parametrize("bill", OTHER_BILLS)
def test_the_demo_company_fits_no_other_bill(
    fresh: Workspace, facts: Path, bill: tuple[str, str]
) -> None:
    load_bill(fresh.warehouse, REPORTS[0], PAYER)
    load_bill(fresh.warehouse, *bill)

    for named in (None, fresh.seeds):
        with pytest.raises(InfraspendError, match="--seeds DIR"):
            choose_seeds(fresh.warehouse, fresh.warehouse, fresh.project, named)

    choose_seeds(fresh.warehouse, fresh.warehouse, fresh.project, facts)
    # Not even if it served before the other bill came.
    remember_seeds(fresh.warehouse, fresh.seeds)
    with pytest.raises(InfraspendError, match="--seeds DIR --change-seeds"):
        choose_seeds(fresh.warehouse, fresh.warehouse, fresh.project)


@pytest.mark.thorough
def test_the_demo_company_fits_no_other_bill_in_a_lake(tmp_path: Path) -> None:
    deliver_legacy(tmp_path / "bill", text_of([charge()]))
    lake = LakeUrl(str(tmp_path / "lake"))
    aws_cur.load(lake, str(tmp_path / "bill"))

    with pytest.raises(InfraspendError, match="--seeds DIR"):
        choose_seeds(tmp_path / "no record", lake, ROOT)


# The same for plain dbt


@pytest.mark.thorough
def test_plain_dbt_loads_the_demo_company_for_its_own_bill(fresh: Workspace) -> None:
    for report in REPORTS:
        load_bill(fresh.warehouse, report, PAYER)

    done = fresh.plain_dbt("build")

    assert done.returncode == 0, done.stdout


@pytest.mark.thorough
@pytest.mark.parametrize("is_absolute", [False, True])
def test_plain_dbt_loads_the_demo_company_for_no_other_bill(
    fresh: Workspace, is_absolute: bool
) -> None:
    load_bill(fresh.warehouse, *OTHER_BILLS[is_absolute])
    path_for_dbt(fresh.seeds, fresh.project)
    path = str(fresh.seeds.resolve()) if is_absolute else ""

    done = fresh.plain_dbt("seed", INFRASPEND_SEEDS=path)

    assert done.returncode != 0
    assert "the seeds of the demo company" in " ".join(done.stdout.split())
    with duckdb.connect(str(fresh.warehouse), read_only=True) as connection:
        loaded = "from duckdb_tables() where schema_name = 'seeds'"
        assert connection.execute(loaded).fetchall() == []


@pytest.mark.thorough
def test_plain_dbt_runs_models_on_seeds_that_are_there(fresh: Workspace, facts: Path) -> None:
    load_bill(fresh.warehouse, *OTHER_BILLS[0])
    # What every command does that is given the directory.
    known_seeds(fresh.warehouse, fresh.project, facts)
    assert fresh.plain_dbt("seed", INFRASPEND_SEEDS=str(facts)).returncode == 0

    # Nothing is exported, and no seed is loaded.
    done = fresh.plain_dbt("run", "--select", "orgs")

    assert done.returncode == 0, done.stdout


# At the command line


@pytest.mark.thorough
def test_build_refuses_in_one_line_and_builds_nothing(
    fresh: Workspace, facts: Path, others: Path, tmp_path: Path
) -> None:
    load_bill(fresh.warehouse, *OTHER_BILLS[0])
    build = ("build", "--warehouse", fresh.warehouse)

    of_the_demo = run(*build, cwd=tmp_path)
    remember_seeds(fresh.warehouse, facts)
    from_the_shell = run(*build, cwd=tmp_path, INFRASPEND_SEEDS=str(others))
    named = run(*build, "--seeds", others.name, cwd=tmp_path)

    for said in (of_the_demo, from_the_shell, named):
        assert (said.returncode, said.stdout) == (1, "")
    assert "the demo company" in one_line(of_the_demo.stderr)
    assert one_line(from_the_shell.stderr) == one_line(named.stderr)
    assert str(facts) in named.stderr
    assert not fresh.ran_dbt


@pytest.mark.thorough
def test_load_refuses_other_seeds_and_reads_the_closed_periods_of_those_it_knows(
    fresh: Workspace, facts: Path, others: Path, tmp_path: Path
) -> None:
    deliver_legacy(tmp_path / "bill", text_of([charge()]))
    load = ("load", "aws-cur", "--from", tmp_path / "bill", "--warehouse", fresh.warehouse)
    (facts / "closed_periods.csv").write_text("no such column\n1\n")

    first = run(*load, cwd=tmp_path)
    remember_seeds(fresh.warehouse, facts)
    other = run(*load, "--seeds", others, cwd=tmp_path)
    known = run(*load, cwd=tmp_path)

    assert first.returncode == 0, first.stderr
    assert "--change-seeds" in one_line(other.stderr)
    assert f"{facts}/closed_periods.csv cannot be read" in one_line(known.stderr)


@pytest.mark.thorough
def test_a_relative_path_is_from_here_and_one_of_the_environment_from_the_project(
    facts: Path, tmp_path: Path
) -> None:
    doctor = ("doctor", "--platform", "spark", "--from", tmp_path)

    named = run(*doctor, "--seeds", facts.name, cwd=tmp_path)
    exported = run(*doctor, cwd=tmp_path, INFRASPEND_SEEDS="seeds")
    absolute = run(*doctor, cwd=ROOT, INFRASPEND_SEEDS=str(facts))

    assert named.stdout.startswith(f"doctor: seeds in {facts.resolve()}\n")
    assert exported.stdout.startswith(f"doctor: seeds in {ROOT / 'seeds'}\n")
    assert absolute.stdout == named.stdout


def test_the_demo_keeps_out_of_a_warehouse_with_another_bill(
    fresh: Workspace, tmp_path: Path
) -> None:
    load_bill(fresh.warehouse, *OTHER_BILLS[0])

    said = run("demo", "--dir", "demo", "--warehouse", fresh.warehouse, cwd=tmp_path)

    assert said.returncode == 1
    assert "another one was loaded" in one_line(said.stderr)
    assert not (tmp_path / "demo").exists()


def test_to_change_seeds_they_must_be_named(tmp_path: Path) -> None:
    said = run("build", "--change-seeds", cwd=tmp_path)

    assert said.returncode == 2
    assert "--seeds DIR" in said.stderr


@pytest.mark.thorough
def test_the_demo_takes_an_empty_warehouse_or_its_own_and_nobody_elses(tmp_path: Path) -> None:
    warehouse = tmp_path / "infraspend.duckdb"
    assert is_free_for_demo(warehouse)
    duckdb.connect(warehouse).close()
    assert is_free_for_demo(warehouse)

    # Somebody's own usage may be here, before his bill.
    create_raw_tables(warehouse)
    assert not is_free_for_demo(warehouse)
    add = "insert into raw_aws_cur.control_totals (payer_account_id, _dlt_load_id) values (?, '1')"
    with duckdb.connect(warehouse) as connection:
        connection.execute(add, [PAYER])
    assert is_free_for_demo(warehouse)
    with duckdb.connect(warehouse) as connection:
        connection.execute(add, ["012345678901"])
    assert not is_free_for_demo(warehouse)
