"""Which months each stage of a build makes anew, as the log `pipeline.rebuilds` tells."""

import os
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import duckdb
import pytest

from builder import build
from builder.dbt import DBT
from builder.fingerprints import fingerprint_of_code
from builder.seeds import path_for_dbt
from tests.bench.incremental import Counts, count
from tests.end_to_end.companies import ROOT, WITHOUT_UNIT_TESTS, Company
from tests.incremental.machine import different_rows
from tests.incremental.world import PAYER, REPORT, World, begin, declared

JANUARY, FEBRUARY, MARCH, APRIL, MAY = "2026-01", "2026-02", "2026-03", "2026-04", "2026-05"
OTHER_VARIABLES = (*WITHOUT_UNIT_TESTS, "--vars", "true_cost_pooling: none")
Months = dict[str, set[str]]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Counts]:
    """A company of three months, built, and what the engine read for it.

    Two reports tell of its last month; the second one is declared to serve it.
    """
    world = begin(tmp_path_factory.mktemp("rebuilds") / "company", ())
    world.report_again(MAY, price=55_555_555)
    world.declare_reports()
    world.land()
    return world, count(world.company)


@pytest.fixture
def world(first: tuple[World, Counts]) -> World:
    """The company, as the test before it left it."""
    return first[0]


def built(world: World) -> Months:
    """Builds what changed; returns the months that each stage made anew."""
    world.land()
    before = log(world)
    result = world.company.build(*WITHOUT_UNIT_TESTS)
    assert result.succeeded, "\n".join(result.failures)
    return made_since(world, before)


def log(world: World) -> list[tuple[object, ...]]:
    tables = world.company.rows("select 1 from duckdb_tables() where table_name = 'rebuilds'")
    return world.company.rows("from pipeline.rebuilds order by all") if tables else []


def made_since(world: World, before: list[tuple[object, ...]]) -> Months:
    months: Months = defaultdict(set)
    for row in log(world):
        if row not in before and row[3]:
            months[str(row[0])].add(str(row[1]))
    return dict(months)


def test_everything_is_made_month_by_month_and_comes_to_the_same_as_at_once(
    first: tuple[World, Counts], tmp_path: Path
) -> None:
    world, _ = first
    ours = world.company.warehouse
    at_once = shutil.copy(ours, tmp_path / ours.name)

    # What is not the whole project does not count, and is made as plain dbt does.
    told = build(at_once, ROOT, world.company.seeds, ("--exclude-resource-type", "test"))

    assert told.succeeded, "\n".join(told.failures)
    assert different_rows(ours, at_once) == []
    assert (inserts(ours), inserts(at_once)) == (2, 0)
    in_order = sorted(months_as_they_lie(ours))
    assert len(set(in_order)) == 3
    assert months_as_they_lie(ours) == in_order


def inserts(warehouse: Path) -> int:
    """How many statements of the last build added a month to the table of schedules."""
    target = warehouse.with_name(f"{warehouse.name}.dbt") / "target"
    (statements,) = target.glob("run/**/int_schedules.sql")
    return statements.read_text(encoding="utf-8").count("insert into")


def months_as_they_lie(warehouse: Path) -> list[str]:
    """The months of the schedules, row by row."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        rows = connection.execute(
            "select strftime(usage_hour, '%Y-%m') from intermediate.int_schedules order by rowid"
        ).fetchall()
    return [str(month) for (month,) in rows]


def test_nothing_new_makes_nothing_anew_and_reads_next_to_nothing(
    first: tuple[World, Counts],
) -> None:
    world, everything = first
    before = log(world)

    nothing = count(world.company)

    assert log(world) == before
    ratio = nothing.rows.total() / everything.rows.total()
    print(f"no change: {nothing.rows.total()} rows of {everything.rows.total()}")
    assert ratio < 0.02, nothing.rows.most_common(10)


def test_an_owner_changes_who_the_spend_belongs_to_and_nothing_else(world: World) -> None:
    # Over before the last hour of the bill: who owns a label now stands on every row of it.
    owner = {"lyft_label": "spark", "team": "data-team", "owned_from": "2026-04-02"}
    world.seeds["label_owners"].append(owner | {"owned_until": "2026-04-20"})

    made = built(world)

    # May's bill tells of March, too, and of what lies in between it knows nothing.
    assert made == {"owned": {APRIL, MAY}}


def test_a_rule_with_dates_changes_the_months_that_it_is_about(world: World) -> None:
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

    made = built(world)

    assert {stage: made[stage] for stage in ("charged", "claimed", "split", "owned", "moved")} == {
        stage: {MAY} for stage in ("charged", "claimed", "split", "owned", "moved")
    }
    assert not made.keys() & {"priced", "tracked", "published", "weighed"}


def test_a_platform_changes_hands_where_days_are_told(world: World) -> None:
    platforms = world.seeds["platforms"]
    world.seeds["platforms"] = [
        row | {"owner": "data-team"} if row["platform"] == "made" else row for row in platforms
    ]

    made = built(world)

    assert made.keys() == {"spent"}


def test_a_collection_changes_its_month_and_no_other(world: World) -> None:
    # Far enough from the turns of the month that it lends nothing across them.
    world.collect("blue", 1, (300, 301), (5, 5, 5))

    made = built(world)

    assert made["tracked"] == {APRIL}
    assert made["weighed"] == {APRIL}
    assert made["scheduled"] == {APRIL}
    assert not made.keys() & {"priced", "published", "charged"}


def test_two_reports_for_a_month_are_refused_and_what_was_begun_is_made_again(
    world: World,
) -> None:
    # Nothing used the reservation, all month long.
    world.change(MARCH, price=77_777_777, days=0)
    world.seeds["reports"] = []
    world.land()
    before = log(world)
    result = world.company.build(*WITHOUT_UNIT_TESTS)
    assert result.failures[0].startswith("one_report_serves_an_account ")
    assert f"billing_period={MAY}" in result.failures[0]
    assert made_since(world, before) == {}
    world.declare_reports()

    made = built(world)

    assert MARCH in made["priced"]
    assert MARCH in made["split"]


def test_what_lies_elsewhere_changes_the_months_that_depend_on_it(world: World) -> None:
    """Left to the next test: that these months are all that a build of everything changes."""
    # A month without lines is nobody's neighbour, and this team never had its label.
    world.change(APRIL, is_gone=True)
    teams = world.seeds["teams"]
    world.seeds["teams"] = [*teams[:1], teams[1] | {"valid_until": "2026-03-15"}]
    world.seeds["label_owners"] += [
        {"lyft_label": "spark", "team": "data-team", "owned_from": "2026-04-20"}
    ]
    built(world)
    world.change(MARCH, price=88_888_888, days=4)
    # Still before May, where it decides whether the label has a team.
    world.seeds["teams"] = [*teams[:1], teams[1] | {"valid_until": "2026-04-28"}]
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

    months = built(world)

    assert months["priced"] == {MARCH}
    assert months["moved"] >= {MARCH, MAY}
    assert MAY in months["owned"]
    assert months["weighed"] >= {MARCH, APRIL, MAY}


def test_shares_from_before_the_bill_hold_whether_or_not_their_hours_were_noted(
    world: World,
) -> None:
    """Left to the next test: that a build of everything comes to the same."""
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

    months = built(world)

    assert months["weighed"] == {JANUARY, FEBRUARY, MARCH, APRIL, MAY}
    assert world.company.rows(
        "select distinct lyft_label, basis from marts.attribution_schedule"
        " where sub_platform = 'early' and usage_hour >= '2026-03-01' order by all"
    ) == [("api", "pushed"), ("free", "pushed"), ("web", "pushed")]


def test_plain_dbt_makes_everything_anew_and_comes_to_the_same(
    world: World, tmp_path: Path
) -> None:
    ours = world.company.warehouse
    plain = shutil.copy(ours, tmp_path / ours.name)

    subprocess.run(
        [
            *(*DBT, "build", "--project-dir", ROOT, "--profiles-dir", ROOT),
            *("--target-path", tmp_path / "target", "--log-path", tmp_path / "logs"),
            *("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"),
        ],
        cwd=ROOT,
        env=os.environ
        | {
            "INFRASPEND_WAREHOUSE": str(plain),
            "INFRASPEND_SEEDS": path_for_dbt(world.company.seeds, ROOT),
        },
        check=True,
    )

    with duckdb.connect(plain) as connection:
        assert connection.execute("from pipeline.rebuilds").fetchall() == []
    assert different_rows(ours, plain) == []


def test_a_part_of_the_project_is_built_whole_and_all_is_forgotten(world: World) -> None:
    result = world.company.build("--select", "stg_seeds__teams", *WITHOUT_UNIT_TESTS)

    assert result.succeeded
    assert log(world) == []


def test_other_variables_make_everything_anew(world: World) -> None:
    world.change(APRIL, is_gone=False)
    built(world)
    before = log(world)

    result = world.company.build(*OTHER_VARIABLES)

    assert result.succeeded
    assert made_since(world, before)["charged"] == {MARCH, APRIL, MAY}


@pytest.mark.parametrize("file", ["models/marts/true_cost.sql", "macros/usd.sql"])
def test_other_code_is_told_apart(file: str, tmp_path: Path) -> None:
    project = copy_of_code(tmp_path / "project")
    assert fingerprint_of_code(project, ()) == fingerprint_of_code(ROOT, ())

    edit(project / file)

    assert fingerprint_of_code(project, ()) != fingerprint_of_code(ROOT, ())


def test_other_code_makes_everything_anew(world: World, tmp_path: Path) -> None:
    before = log(world)
    project = copy_of_code(tmp_path / "project")
    edit(project / "macros" / "usd.sql")

    result = Company(world.company.root, project).build(*OTHER_VARIABLES)

    assert result.succeeded, "\n".join(result.failures)
    made = made_since(world, before)
    assert made.keys() == {str(row[0]) for row in before}
    assert made["charged"] == {MARCH, APRIL, MAY}


def copy_of_code(to: Path) -> Path:
    """Copies what a build is made by, byte by byte."""
    to.mkdir()
    for name in ("models", "macros", "tests"):
        shutil.copytree(
            ROOT / name, to / name, ignore=shutil.ignore_patterns("*.py", "__pycache__")
        )
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(ROOT / name, to / name)
    return to


def edit(file: Path) -> None:
    """A remark changes what the file says, and nothing that it makes."""
    file.write_text(f"{{#- Edited. -#}}\n{file.read_text(encoding='utf-8')}", encoding="utf-8")


def test_a_line_that_was_edited_by_hand_makes_everything_anew(world: World) -> None:
    built(world)
    with duckdb.connect(world.company.warehouse) as connection:
        connection.execute(
            "delete from raw_aws_cur.line_items where rowid = (select min(rowid)"
            " from raw_aws_cur.line_items where _assembly_id in"
            " (select assembly_id from staging.stg_aws_cur__deliveries where is_serving))"
        )
    # What lands elsewhere does not hide it.
    world.publish(("made", "one"), 2, (0, 1), (1, 1, 1))
    world.land()

    result = world.company.build(*WITHOUT_UNIT_TESTS)

    assert not result.succeeded
    assert any("every_assembly_is_whole" in failure for failure in result.failures)


def test_hours_that_are_expected_before_the_bill_go_when_it_ends_before_them(
    tmp_path: Path,
) -> None:
    world = begin(tmp_path / "company", ())
    world.seeds["platforms"].append(
        declared("expected", "early", "pushed", "usage", expected_from="2026-04-10")
    )
    world.changed = {(MAY, REPORT)}
    built(world)
    before = expected_in_april(world)
    world.change(MARCH)
    world.change(MAY, is_gone=True)

    built(world)

    assert (before, expected_in_april(world)) == (21 * 24, 0)
    full = Path(shutil.copy(world.company.warehouse, tmp_path))
    assert build(full, ROOT, world.company.seeds, ("--exclude-resource-type", "test")).succeeded
    assert different_rows(world.company.warehouse, full) == []


def expected_in_april(world: World) -> int:
    """How many hours of April have a schedule of the platform that expects them."""
    ((hours,),) = world.company.rows(
        "select count(*) from marts.attribution_schedule"
        " where platform = 'expected' and usage_hour < '2026-05-01'"
    )
    return int(hours)
