"""Which months each stage of a build makes anew, as the log `pipeline.rebuilds` tells."""

from collections import defaultdict

import duckdb
import pytest

from tests.bench.incremental import Counts, count
from tests.end_to_end.companies import WITHOUT_UNIT_TESTS
from tests.incremental.world import PAYER, World, begin

OCTOBER, NOVEMBER, DECEMBER = "2026-10", "2026-11", "2026-12"
Months = dict[str, set[str]]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Counts]:
    """A company of three months, built, and what the engine read for it."""
    world = begin(tmp_path_factory.mktemp("rebuilds") / "company", ())
    world.land()
    return world, count(world.company)


@pytest.fixture
def world(first: tuple[World, Counts]) -> World:
    """The company, as the test before it left it."""
    return first[0]


def built(world: World) -> Months:
    """Builds what changed; returns the months that each stage made anew."""
    before = log(world)
    world.land()
    result = world.company.build(*WITHOUT_UNIT_TESTS)
    assert result.succeeded, "\n".join(result.failures)
    return made_since(world, before)


def log(world: World) -> list[tuple[object, ...]]:
    return world.company.rows("from pipeline.rebuilds order by all")


def made_since(world: World, before: list[tuple[object, ...]]) -> Months:
    months: Months = defaultdict(set)
    for row in log(world):
        if row not in before and row[3]:
            months[str(row[0])].add(str(row[1]))
    return dict(months)


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
    owner = {"lyft_label": "spark", "team": "data-team", "owned_from": "2026-11-02"}
    world.seeds["label_owners"].append(owner | {"owned_until": "2026-11-20"})

    made = built(world)

    assert made == {"owned": {NOVEMBER}}


def test_a_rule_with_dates_changes_the_months_that_it_is_about(world: World) -> None:
    world.seeds["label_rules"].append(
        {
            "rule_order": "5",
            "match_on": "account",
            "match_type": "equals",
            "match_value": PAYER,
            "lyft_label": "web",
            "valid_from": "2026-12-01",
        }
    )

    made = built(world)

    assert {stage: made[stage] for stage in ("charged", "claimed", "split", "owned", "moved")} == {
        stage: {DECEMBER} for stage in ("charged", "claimed", "split", "owned", "moved")
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

    assert made["tracked"] == {NOVEMBER}
    assert made["weighed"] == {NOVEMBER}
    assert made["scheduled"] == {NOVEMBER}
    assert not made.keys() & {"priced", "published", "charged"}


def test_what_a_failed_build_began_is_made_again(world: World) -> None:
    good = world.seeds["platforms"]
    world.change(OCTOBER, price=77_777_777)
    world.seeds["platforms"] = [*good, good[0]]
    world.land()
    before = log(world)
    assert not world.company.build(*WITHOUT_UNIT_TESTS).succeeded
    assert made_since(world, before) == {}
    world.seeds["platforms"] = good

    made = built(world)

    assert OCTOBER in made["priced"]
    assert OCTOBER in made["split"]


def test_a_part_of_the_project_is_built_whole_and_all_is_forgotten(world: World) -> None:
    result = world.company.build("--select", "stg_seeds__teams", *WITHOUT_UNIT_TESTS)

    assert result.succeeded
    assert log(world) == []


def test_other_variables_make_everything_anew(world: World) -> None:
    built(world)
    before = log(world)

    result = world.company.build(*WITHOUT_UNIT_TESTS, "--vars", "true_cost_pooling: none")

    assert result.succeeded
    assert made_since(world, before)["charged"] == {OCTOBER, NOVEMBER, DECEMBER}


def test_a_line_that_was_edited_by_hand_makes_everything_anew(world: World) -> None:
    built(world)
    with duckdb.connect(world.company.warehouse) as connection:
        connection.execute(
            "delete from raw_aws_cur.line_items where rowid = (select min(rowid)"
            " from raw_aws_cur.line_items where _assembly_id in"
            " (select assembly_id from staging.stg_aws_cur__deliveries where is_serving))"
        )

    result = world.company.build(*WITHOUT_UNIT_TESTS)

    assert not result.succeeded
    assert any("every_assembly_is_whole" in failure for failure in result.failures)
