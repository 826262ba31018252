"""Which months a build refreshes and why, as `pipeline.refresh` says, whoever starts dbt."""

import os
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from infraspend.builder import build, unproven
from infraspend.builder.dbt import DBT
from infraspend.builder.seeds import path_for_dbt
from infraspend.loaders.errors import InfraspendError
from infraspend.publishers.marts import publish
from tests.bench.incremental import Counts, count
from tests.end_to_end.companies import ROOT, WITHOUT_UNIT_TESTS, Company, copy_project
from tests.incremental.machine import different_rows, project_at_once
from tests.incremental.world import PAYER, REPORT, World, begin, declared

pytestmark = pytest.mark.thorough

JANUARY, FEBRUARY, MARCH, APRIL, MAY = "2026-01", "2026-02", "2026-03", "2026-04", "2026-05"
OTHER_VARIABLES = (*WITHOUT_UNIT_TESTS, "--vars", "true_cost_pooling: none")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Counts]:
    """A company of three months, built, and what the engine read for it.

    Two reports have its last month; the second one is declared to be its bill.
    """
    world = begin(Company(tmp_path_factory.mktemp("months") / "company", ROOT), ())
    world.report_again(MAY, price=55_555_555)
    world.declare_reports()
    world.land()
    return world, count(world.company)


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, made to build all months in one statement."""
    return project_at_once(tmp_path_factory.mktemp("at_once") / "project")


@pytest.fixture
def world(first: tuple[World, Counts]) -> World:
    """The company, as the test before it left it."""
    return first[0]


def refreshed(world: World) -> dict[str, str]:
    """Lands and builds what changed; returns the months that were refreshed, and why."""
    world.land()
    result = world.company.build(*WITHOUT_UNIT_TESTS)
    assert result.succeeded, "\n".join(result.failures)
    assert not result.unproven
    return listed(world.company.warehouse)


def listed(warehouse: Path) -> dict[str, str]:
    """The months of `pipeline.refresh`, and why each is there."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        return dict(connection.execute("select month, why from pipeline.refresh").fetchall())


def dbt(
    *arguments: str, warehouse: Path, seeds: Path, artifacts: Path, project: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Runs dbt itself, as an analyst does."""
    return subprocess.run(
        [
            *(*DBT, *arguments, "--project-dir", str(project), "--profiles-dir", str(project)),
            *("--target-path", str(artifacts / "target"), "--log-path", str(artifacts / "logs")),
        ],
        cwd=project,
        env=os.environ
        | {
            "INFRASPEND_WAREHOUSE": str(warehouse),
            "INFRASPEND_SEEDS": path_for_dbt(seeds, project),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def differences_from_at_once(world: World, at_once: Path, folder: Path) -> list[str]:
    """What differs from a full refresh that knows nothing of months."""
    full = Path(shutil.copy(world.company.warehouse, folder / world.company.warehouse.name))
    arguments = ("--full-refresh", "--exclude-resource-type", "test")
    result = build(full, at_once, world.company.seeds, arguments)
    assert result.succeeded, "\n".join(result.failures)
    return different_rows(world.company.warehouse, full)


def test_everything_is_made_month_by_month_and_comes_to_the_same_as_at_once(
    first: tuple[World, Counts], at_once: Path, tmp_path: Path
) -> None:
    world, _ = first

    assert differences_from_at_once(world, at_once, tmp_path) == []
    in_order = sorted(months_as_they_lie(world.company.warehouse))
    assert len(set(in_order)) == 3
    assert months_as_they_lie(world.company.warehouse) == in_order


def test_few_rows_are_made_at_once_and_come_to_the_same(
    first: tuple[World, Counts], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _ = first
    # With its statements, which the log of tests leaves out.
    monkeypatch.setenv("DBT_LOG_LEVEL_FILE", "debug")
    full = Path(shutil.copy(world.company.warehouse, tmp_path / world.company.warehouse.name))
    arguments = ("--full-refresh", "--exclude-resource-type", "test")
    inserts = []
    for most_rows in ("-1", "2000000"):
        monkeypatch.setenv("INFRASPEND_ROWS_AT_ONCE", most_rows)
        result = build(full, ROOT, world.company.seeds, arguments)
        assert result.succeeded, "\n".join(result.failures)
        logged = result.log.read_text(encoding="utf-8")
        inserts.append(logged.count('"int_schedules" by name'))
        assert different_rows(world.company.warehouse, full) == []
        result.log.unlink()

    by_month, at_once = inserts
    assert by_month > 0
    assert at_once == 0


def months_as_they_lie(warehouse: Path) -> list[str]:
    """The months of the schedules, row by row."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        rows = connection.execute(
            "select usage_month from intermediate.int_schedules order by rowid"
        ).fetchall()
    return [str(month) for (month,) in rows]


def test_nothing_new_refreshes_nothing(first: tuple[World, Counts]) -> None:
    world, everything = first

    nothing = count(world.company)

    assert listed(world.company.warehouse) == {}
    assert unproven(world.company.warehouse) == ()
    ratio = nothing.rows.total() / everything.rows.total()
    print(f"no change: {nothing.rows.total()} rows of {everything.rows.total()}")
    assert ratio < 0.2, nothing.rows.most_common(10)


def test_an_owner_changes_who_the_spend_belongs_to_and_refreshes_nothing(world: World) -> None:
    owner = {"lyft_label": "spark", "team": "data-team", "owned_from": "2026-04-02"}
    world.seeds["label_owners"].append(owner | {"owned_until": "2026-04-20"})
    before = spend_of_team(world, "data-team")

    assert refreshed(world) == {}

    assert spend_of_team(world, "data-team") > before


def spend_of_team(world: World, team: str) -> object:
    return world.company.one(
        f"select coalesce(sum(spend), 0) from marts.daily_spend where team = '{team}'"
    )


def test_an_owner_that_changes_within_a_day_refreshes_the_month_of_it(world: World) -> None:
    owner = {"lyft_label": "web", "team": "data-team", "owned_from": "2026-04-15 01:00:00"}
    world.seeds["label_owners"] = [
        *(row for row in world.seeds["label_owners"] if row["lyft_label"] != "web"),
        owner,
    ]

    # May's bill corrects a fee of March, so that it goes by all facts since then.
    assert refreshed(world).keys() == {MARCH, APRIL, MAY}

    owners = world.company.rows(
        "select team, count(*) from marts.daily_spend"
        " where lyft_label = 'web' and usage_date = '2026-04-15' group by team order by team"
    )
    assert [team for team, _ in owners] == ["data-team", "unassigned"]


def test_a_rule_with_dates_refreshes_the_months_that_it_is_about(world: World) -> None:
    world.seeds["label_rules"].append(
        {
            "rule_order": "5",
            "match_on": "account",
            "match_type": "equals",
            "match_value": PAYER,
            "lyft_label": "web",
            "valid_from": "2026-05-01",
        }
    )

    months = refreshed(world)

    # Of April its last hours may fill gaps in May, and May's bill corrects a fee of March.
    assert months == {
        MARCH: f"it shares charges with {MAY}, which is refreshed",
        APRIL: "rules, platforms or resources changed",
        MAY: "rules, platforms or resources changed",
    }


def test_who_a_platform_belongs_to_refreshes_nothing(world: World) -> None:
    world.seeds["platforms"] = [
        row | {"owner": "data-team"} if row["platform"] == "made" else row
        for row in world.seeds["platforms"]
    ]

    assert refreshed(world) == {}

    assert world.company.rows(
        "select distinct owner from marts.platform_health where platform = 'made'"
    ) == [("data-team",)]


def test_a_collection_refreshes_its_month_and_no_other(world: World) -> None:
    # Far enough from the turns of the month that it fills no gap across them.
    world.collect("blue", 1, (300, 301), (5, 5, 5))

    assert refreshed(world) == {APRIL: "its usage changed"}


def test_two_reports_for_a_month_are_refused_and_what_was_begun_is_built_again(
    world: World,
) -> None:
    # Nothing used the reservation, all month long.
    world.change(MARCH, price=77_777_777, days=0)
    world.seeds["reports"] = []
    world.land()
    result = world.company.build(*WITHOUT_UNIT_TESTS)
    assert result.failures[0].startswith("something_is_left_of_every_period ")
    assert f"billing_period={MAY}" in result.failures[0]
    assert not result.may_be_published
    world.declare_reports()

    months = refreshed(world)

    assert months[MARCH] == "its last build did not end well"


def test_what_lies_elsewhere_refreshes_the_months_that_depend_on_it(
    world: World, at_once: Path, tmp_path: Path
) -> None:
    world.change(APRIL, is_gone=True)
    refreshed(world)
    world.change(MARCH, price=88_888_888, days=4)
    # A rule that begins when March's bill is long over.
    world.seeds["label_rules"].append(
        {
            "rule_order": "6",
            "match_on": "resource_id",
            "match_type": "present",
            "lyft_label": "web",
            "valid_from": "2027-02-01",
        }
    )
    # Where free capacity is ever spread, every month is weighed twice.
    made, others = [], []
    for row in world.seeds["platforms"]:
        (made if row["platform"] == "made" else others).append(row)
    world.seeds["platforms"] = [
        *others,
        *(row | {"valid_until": "2026-05-01"} for row in made),
        *(row | {"valid_from": "2026-05-01", "free_policy": "spread"} for row in made),
    ]

    months = refreshed(world)

    assert months[MARCH] == "its bill changed"
    assert months.keys() == {MARCH, APRIL, MAY}
    assert differences_from_at_once(world, at_once, tmp_path) == []


def test_shares_from_before_the_bill_hold_whether_or_not_their_hours_were_noted(
    world: World, at_once: Path, tmp_path: Path
) -> None:
    old = next(row for row in world.seeds["platforms"] if row["platform"] == "shares")
    world.seeds["platforms"].append(old | {"sub_platform": "early"})
    world.publish(("shares", "early"), 0, (-400,), (1, 1, 2))
    # A platform that is about to come; what nobody declared yet is no fault.
    world.publish(("to-come", "one"), 0, (-1000,), (1, 1, 2))
    world.land()
    with duckdb.connect(world.company.warehouse) as connection:
        connection.execute(
            "update raw_platforms.deliveries set first_hour = null, last_hour = null"
            " where platform = 'shares'"
        )

    months = refreshed(world)

    # Nothing is known of April any more but that hours of it are expected.
    assert months.keys() >= {JANUARY, FEBRUARY, MARCH, MAY}
    assert world.company.rows(
        "select distinct lyft_label, basis from marts.attribution_schedule"
        " where sub_platform = 'early' and usage_hour >= '2026-03-01' order by all"
    ) == [("api", "pushed"), ("free", "pushed"), ("web", "pushed")]
    assert differences_from_at_once(world, at_once, tmp_path) == []


def test_plain_dbt_build_is_incremental_too_and_comes_to_the_same(
    world: World, tmp_path: Path
) -> None:
    world.change(APRIL, is_gone=False, days=3)
    world.land()
    plain = Path(shutil.copy(world.company.warehouse, tmp_path / "plain.duckdb"))
    assert refreshed(world)[APRIL]

    run = dbt("build", warehouse=plain, seeds=world.company.seeds, artifacts=tmp_path)

    assert run.returncode == 0, run.stdout
    assert listed(plain) == listed(world.company.warehouse)
    assert MARCH not in listed(plain) or listed(plain)[MARCH].startswith("it shares")
    assert unproven(plain) == ()
    assert different_rows(world.company.warehouse, plain) == []
    # Unit tests prove code, and were run by dbt as it is known.
    assert "PASS=" in run.stdout


def test_a_part_that_dbt_builds_forgets_nothing_and_has_to_be_tested_before_it_is_published(
    world: World, tmp_path: Path
) -> None:
    plain = Path(shutil.copy(world.company.warehouse, tmp_path / "plain.duckdb"))
    run = dbt(
        *("run", "--select", "monthly_spend"),
        warehouse=plain,
        seeds=world.company.seeds,
        artifacts=tmp_path,
    )
    assert run.returncode == 0, run.stdout
    assert different_rows(world.company.warehouse, plain) == []
    with pytest.raises(InfraspendError, match=r"older than what it reads.*monthly_spend"):
        publish(plain, tmp_path / "published")

    run = dbt(
        *("build", "--select", "monthly_spend+", "--exclude-resource-type", "unit_test"),
        warehouse=plain,
        seeds=world.company.seeds,
        artifacts=tmp_path,
    )

    assert run.returncode == 0, run.stdout
    assert "monthly_spend" in publish(plain, tmp_path / "published").rows
    # And nothing has to be refreshed.
    assert build(plain, ROOT, world.company.seeds).succeeded
    assert listed(plain) == {}


def test_other_variables_make_everything_again(world: World, at_once: Path, tmp_path: Path) -> None:
    result = world.company.build(*OTHER_VARIABLES)

    assert result.succeeded, "\n".join(result.failures)
    full = Path(shutil.copy(world.company.warehouse, tmp_path / world.company.warehouse.name))
    arguments = (*OTHER_VARIABLES, "--full-refresh", "--exclude-resource-type", "test")
    assert build(full, at_once, world.company.seeds, arguments).succeeded
    assert different_rows(world.company.warehouse, full) == []
    refreshed(world)


def test_edited_code_makes_what_uses_it_again_and_an_edited_description_nothing(
    world: World, tmp_path: Path
) -> None:
    project = copy_project(tmp_path / "project")
    edited = Company(world.company.root, project)
    assert edited.build().succeeded

    properties = project / "models/marts/true_cost.yml"
    properties.write_text(properties.read_text().replace("What every charge", "What each charge"))
    assert edited.build().succeeded
    assert built_in_full(world) == set()

    edit(project / "models/marts/unallocated_capacity.sql")
    assert edited.build().succeeded
    assert built_in_full(world) == {"unallocated_capacity"}

    edit(project / "macros/step_of_way.sql")
    assert edited.build().succeeded
    assert built_in_full(world) >= {"int_allocation_levels", "enriched_spend"}
    assert not built_in_full(world) & {"true_cost", "int_charges_true_cost"}


def built_in_full(world: World) -> set[str]:
    """The tables kept by month of which the last run made all months again."""
    return {
        str(name)
        for (name,) in world.company.rows(
            "select distinct nodes.name from pipeline.results join pipeline.nodes using (node)"
            " where results.is_full and results.run = (select max(run) from pipeline.results)"
            " and nodes.name in (select table_name from duckdb_columns()"
            " where column_name in ('billing_period', 'usage_month')"
            " and schema_name in ('marts', 'intermediate'))"
            " and nodes.name in (select table_name from duckdb_tables())"
        )
    } - {"price_changes"}


def edit(file: Path) -> None:
    """A remark changes what the file says, and nothing that it makes."""
    text = file.read_text(encoding="utf-8")
    where = text.index("%}") + 2 if file.parent.name == "macros" else 0
    file.write_text(f"{text[:where]}{{#- Edited. -#}}\n{text[where:]}", encoding="utf-8")


def test_a_line_that_was_edited_by_hand_makes_everything_again(world: World) -> None:
    refreshed(world)
    with duckdb.connect(world.company.warehouse) as connection:
        connection.execute(
            "delete from raw_aws_cur.line_items where rowid = (select min(rowid)"
            " from raw_aws_cur.line_items where _assembly_id in"
            " (select assembly_id from staging.stg_aws_cur__deliveries where is_current))"
        )
    # What lands elsewhere does not hide it.
    world.publish(("made", "one"), 2, (0, 1), (1, 1, 1))
    world.land()

    result = world.company.build(*WITHOUT_UNIT_TESTS)

    assert not result.succeeded
    assert any("every_assembly_is_whole" in failure for failure in result.failures)


def test_hours_that_are_expected_before_the_bill_go_when_it_ends_before_them(
    tmp_path: Path, at_once: Path
) -> None:
    world = begin(Company(tmp_path / "company", ROOT), ())
    world.seeds["platforms"].append(
        declared("expected", "early", "pushed", "usage", expected_from="2026-04-10")
    )
    world.changed = {(MAY, REPORT)}
    refreshed(world)
    before = expected_in_april(world)
    world.change(MARCH)
    world.change(MAY, is_gone=True)

    refreshed(world)

    assert (before, expected_in_april(world)) == (21 * 24, 0)
    assert differences_from_at_once(world, at_once, tmp_path) == []


def expected_in_april(world: World) -> int:
    """How many hours of April have a schedule of the platform that expects them."""
    return int(
        world.company.one(
            "select count(*) from marts.attribution_schedule"
            " where platform = 'expected' and usage_hour < '2026-05-01'"
        )
    )
