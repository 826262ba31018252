"""What is wrong with platforms and their schedules, and what becomes of the money.

The faults of schedules and labels, L1 to L12, and where each is tested:

| fault | test |
|---|---|
| L1 a schedule is missing for an hour | here |
| L2 proportions do not add up to 1 | here; `loaders/test_platforms.py` for every distance from 1 |
| L3 a proportion or usage is negative, absent, no number or above 1 | here; every one in `loaders/test_platforms.py` |
| L4 a label is there twice in an hour | here; fan-out by `conserves` on every mart of money |
| L5 an unknown platform, an unknown sub-platform, a schedule without spend | here |
| L6 a future hour, half an hour | here; `loaders/test_platforms.py` |
| L7 a label in another case, space or Unicode form | here; `test_label_rules.py` |
| L8 a pattern that is none | `test_label_rules.py` |
| L9 two rules of one order | `test_label_rules.py` |
| L10 a label without a team, a team without an org | here; the unit test of `lyft_labels` |
| L11 a team that moves in the middle of a month | here, at its hour |
| L12 a rule that is edited | `test_label_rules.py`: it holds where its dates say |

Mistakes in the seeds are refused by dbt's tests, which name the row; `command_line/test_seed_mistakes.py`
has those that are found before dbt starts.
"""  # noqa: E501

import json
import os
import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from infraspend.builder import BuildResult
from tests.end_to_end.companies import (
    LABEL_OF_TAG,
    TEAM,
    WITHOUT_UNIT_TESTS,
    Company,
    company_in,
    copy_project,
)
from tests.loaders.bills import Row, charge, deliver_legacy, text_of

pytestmark = pytest.mark.thorough

Seeds = dict[str, list[dict[str, str]]]

HOURS = (5, 6, 7, 8)
# Labels on the bill, each with a dollar in every hour.
SPARK, TABLE, RING, STACK = "spark", "table", "ring-1", "layer-1"
ACCENTED = "cafe\N{COMBINING ACUTE ACCENT}"

# (Sub-platform, hour, label) -> usage, as the owner of Spark pushed it at first.
SPARK_USAGE = [
    ("main", 5, " API ", "3"),
    ("main", 5, ACCENTED.upper(), "1"),
    ("main", 6, "wrong", "1"),
    ("main", 7, "api", "1"),
    ("main", 7, "web", "-1"),
    ("quiet", 5, "api", "1"),
    ("nowhere", 5, "api", "1"),
]
CORRECTION = [("main", 6, "api", "1"), ("main", 6, "free", "1")]
PROPORTIONS = [
    *((5, label, "0.3333333") for label in ("api", "eta", "web")),
    (6, "api", "0.5"),
    (6, "web", "0.4"),
    (7, "api", "0.5"),
    (7, "API", "0.5"),
    (8, "api", "1.0"),
]
# Published by platforms that nobody declared; some are in the tests of mistakes.
UNDECLARED = [
    ("ring", "1", "ring-2"),
    ("ring", "2", RING),
    *(("stack", str(layer), f"layer-{layer + 1}") for layer in range(1, 6)),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, project: Path) -> tuple[Company, BuildResult]:
    """A company with every fault of schedules, and how its build went."""
    company = company_in(tmp_path_factory.mktemp("faults"), project)
    lines = [_line(label, hour) for label in (SPARK, TABLE, RING, STACK) for hour in HOURS]
    deliver_legacy(company.bill, text_of(lines))
    _publish(company, "spark", SPARK_USAGE, at=1)
    _publish(company, "spark", CORRECTION, at=2)
    _publish(company, "spark", [("main", 5, "later", "1")], day="2999-01-01", at=3)
    for platform, sub_platform, label in UNDECLARED:
        rows = [(sub_platform, hour, label, "1") for hour in HOURS]
        _publish(company, platform, rows, at=int(sub_platform))
    _make_schedule(company)
    company.declare(**_seeds())
    company.load()
    return company, company.build(*WITHOUT_UNIT_TESTS)


@pytest.fixture(scope="module")
def company(built: tuple[Company, BuildResult]) -> Company:
    company, result = built
    assert result.succeeded, "\n".join(result.failures)
    return company


def _line(label: str, hour: int) -> Row:
    start, end = (f"2026-10-03T{moment:02}:00:00Z" for moment in (hour, hour + 1))
    line = charge(
        identity__TimeInterval=f"{start}/{end}",
        lineItem__UsageStartDate=start,
        lineItem__UsageEndDate=end,
        lineItem__UnblendedCost="1",
    )
    return dict(line) | {"resourceTags/user:service": label}


def _publish(
    company: Company,
    platform: str,
    rows: list[tuple[str, int, str, str]],
    *,
    at: int,
    day: str = "2026-10-03",
) -> None:
    """Publishes usage in a file of its own; a larger `at` is later."""
    text = "usage_hour,platform,sub_platform,lyft_label,usage\n" + "".join(
        f"{day}T{hour:02}:00:00Z,{platform},{sub_platform},{label},{usage}\n"
        for sub_platform, hour, label, usage in rows
    )
    file = company.platforms / platform / f"{at}.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    os.utime(file, (1790000000 + at, 1790000000 + at))


def _make_schedule(company: Company) -> None:
    file = company.platforms / "made" / "schedule.csv"
    file.parent.mkdir()
    file.write_text(
        "usage_hour,platform,sub_platform,lyft_label,proportion\n"
        + "".join(
            f"2026-10-03T{hour:02}:00:00Z,made,table,{label},{proportion}\n"
            for hour, label, proportion in PROPORTIONS
        )
    )


def _seeds() -> Seeds:
    """Seeds without a mistake."""
    return {
        "label_rules": [dict(LABEL_OF_TAG)],
        "teams": [
            TEAM | {"org": "old-org", "valid_until": "2026-10-03 06:00:00"},
            TEAM | {"org": "new-org", "valid_from": "2026-10-03 06:00:00"},
        ],
        "label_owners": [{"lyft_label": "api", "team": TEAM["team"]}],
        "platforms": [
            _platform("spark", "main"),
            _platform("spark", "quiet"),
            _platform("made", "table", schedule_source="ready_made"),
        ],
        "platform_resources": [
            _resource("spark", "main", SPARK),
            _resource("spark", "quiet", "quiet"),
            _resource("made", "table", TABLE),
        ],
    }


def _platform(platform: str, sub_platform: str, **values: str) -> dict[str, str]:
    """A platform that fills in nothing that is missing."""
    return {
        "platform": platform,
        "sub_platform": sub_platform,
        "schedule_source": "pushed",
        "cost_model": "usage",
        "owner": TEAM["team"],
        "interpolate_hours": "0",
        "carry_hours": "0",
    } | values


def _resource(platform: str, sub_platform: str, label: str, **values: str) -> dict[str, str]:
    return {"platform": platform, "sub_platform": sub_platform, "lyft_label": label} | values


def _split(company: Company, source_label: str, hour: int) -> dict[tuple[str, str | None], Decimal]:
    """(Label, basis) -> what it spends of a label's dollar of an hour."""
    return {
        (label, basis): spend
        for label, basis, spend in company.rows(
            "select lyft_label, basis, sum(spend) from marts.enriched_spend"
            f" where source_label = '{source_label}' and hour(usage_hour) = {hour} group by all"
        )
    }


def _unattributed(label: str) -> dict[tuple[str, str | None], Decimal]:
    return {(label, "unattributed"): Decimal(1)}


def test_l1_an_hour_without_a_schedule_stays_with_its_label_and_platform(company: Company) -> None:
    assert _split(company, SPARK, 8) == _unattributed(SPARK)
    assert company.rows(
        "select lyft_label, proportion, basis from marts.attribution_schedule"
        " where sub_platform = 'main' and hour(usage_hour) = 8"
    ) == [("unattributed", Decimal(1), "unattributed")]
    assert company.rows(
        "select distinct platform, sub_platform from marts.enriched_spend"
        f" where source_label = '{SPARK}'"
    ) == [("spark", "main")]
    assert company.rows(
        "select owner, expected, measured, missing, spend_at_stake, status"
        " from marts.platform_health where sub_platform = 'main'"
    ) == [(TEAM["team"], 4, 2, 2, Decimal(2), "missing")]


def test_l2_proportions_that_are_almost_one_are_allocated_and_others_refused(
    company: Company,
) -> None:
    assert _split(company, TABLE, 5) == {
        ("api", "ready_made"): Decimal("0.3333333334"),
        ("eta", "ready_made"): Decimal("0.3333333333"),
        ("web", "ready_made"): Decimal("0.3333333333"),
    }
    assert _split(company, TABLE, 6) == _unattributed(TABLE)
    assert _split(company, TABLE, 8) == {("api", "ready_made"): Decimal(1)}


def test_l3_a_negative_usage_refuses_its_hour_and_loses_no_dollar(company: Company) -> None:
    assert _split(company, SPARK, 7) == _unattributed(SPARK)


def test_l4_a_label_that_is_there_twice_refuses_its_hour(company: Company) -> None:
    assert _split(company, TABLE, 7) == _unattributed(TABLE)


def test_what_was_refused_is_named(company: Company) -> None:
    assert company.rows(
        "select parse_filename(file), row_number, reason, sub_platform"
        " from raw_platforms.rejects order by all"
    ) == [
        ("1.csv", 5, "usage is negative: -1", "main"),
        ("3.csv", 1, "usage_hour lies in the future", "main"),
        ("schedule.csv", 4, "proportions add up to 0.9000000000 and not to 1", "table"),
        ("schedule.csv", 6, "lyft_label is there twice: api", "table"),
    ]


def test_l5_a_schedule_without_spend_splits_nothing(company: Company) -> None:
    assert company.rows(
        "select lyft_label, proportion, basis from marts.attribution_schedule"
        " where sub_platform = 'quiet' and hour(usage_hour) = 5"
    ) == [("api", Decimal(1), "pushed")]
    assert not company.rows("from marts.enriched_spend where sub_platform = 'quiet'")
    assert _split(company, RING, 5) == {(RING, None): Decimal(1)}


def test_l5_what_nobody_declared_is_warned_about_and_splits_nothing(
    company: Company, built: tuple[Company, BuildResult]
) -> None:
    _, result = built
    undeclared, without_spend = sorted(result.warnings, reverse=True)
    assert undeclared.startswith("what_is_published_is_declared")
    assert "found 8, the first: platform=ring, sub_platform=1" in undeclared
    assert without_spend.startswith("platform_resources_find_something")
    assert "sub_platform=quiet" in without_spend
    assert not company.rows(
        "from marts.attribution_schedule where platform not in ('spark', 'made')"
        " or sub_platform = 'nowhere'"
    )


def test_l6_a_future_hour_is_ignored(company: Company) -> None:
    assert company.one("select max(usage_hour) from marts.attribution_schedule") == company.one(
        "select max(usage_hour) from marts.true_cost"
    )
    assert not company.rows("from marts.attribution_schedule where lyft_label = 'later'")


def test_l7_one_label_has_one_spelling(company: Company) -> None:
    assert _split(company, SPARK, 5) == {
        ("api", "pushed"): Decimal("0.75"),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE}", "pushed"): Decimal("0.25"),
    }


def test_l10_a_label_that_nobody_owns_is_unassigned_and_its_dollars_are_shown(
    company: Company,
) -> None:
    assert company.rows(
        "select team, org, sum(spend) from marts.daily_spend where lyft_label = 'free' group by all"
    ) == [("unassigned", "unassigned", Decimal("0.5"))]


def test_l11_dollars_stay_with_the_org_of_their_hour(company: Company) -> None:
    # Of spark .75 at 5 and .5 at 6, of the table a third at 5 and all at 8.
    assert company.rows(
        "select org, current_org, sum(spend) from marts.daily_spend"
        " where lyft_label = 'api' group by all order by all"
    ) == [
        ("new-org", "new-org", Decimal("1.5")),
        ("old-org", "new-org", Decimal("1.0833333334")),
    ]


def test_a_late_correction_replaces_its_hour_whole_and_no_other(company: Company) -> None:
    assert _split(company, SPARK, 6) == {
        ("api", "pushed"): Decimal("0.5"),
        ("free", "pushed"): Decimal("0.5"),
    }


def test_nothing_is_lost_whatever_is_wrong(company: Company) -> None:
    assert dict(
        company.rows(
            "select source_label, sum(spend) from marts.enriched_spend group by source_label"
        )
    ) == dict.fromkeys((SPARK, TABLE, RING, STACK), Decimal(4))


# Mistake -> the rows that make it, the test that refuses it, and what it says about the row.
MISTAKES: dict[str, tuple[Seeds, str, str]] = {
    "a platform that nobody declared": (
        {"platform_resources": [_resource("nowhere", "main", "x")]},
        "platform_resources_name_a_platform",
        "platform=nowhere, sub_platform=main, lyft_label=x",
    ),
    "two platforms that match one charge": (
        {"platform_resources": [_resource("spark", "main", TABLE)]},
        "no_charge_is_matched_twice",
        "lyft_label=table, product=, usage_type=, valid_from=1970-01-01 00:00:00,"
        " one_match=made: table, other_match=spark: main",
    ),
    "two rows that match one part": (
        {
            "platform_resources": [
                _resource("spark", "quiet", "eta"),
                _resource("spark", "quiet", "eta", valid_from="2026-10-01"),
            ]
        },
        "no_part_is_matched_twice",
        "platform=made, sub_platform=table, lyft_label=eta,"
        " one_match=spark: quiet from 1970-01-01 00:00:00,"
        " other_match=spark: quiet from 2026-10-01 00:00:00",
    ),
    "a platform that comes back to itself": (
        {
            "platforms": [_platform("ring", "1"), _platform("ring", "2")],
            "platform_resources": [
                _resource("ring", "1", RING),
                _resource("ring", "2", "ring-2"),
            ],
        },
        "platforms_never_run_in_circles",
        "first_platform=ring: 1, labels=ring-2 > ring-1, comes_back_to=ring: 1",
    ),
    "more than four levels": (
        {
            "platforms": [_platform("stack", str(layer)) for layer in range(1, 6)],
            "platform_resources": [
                _resource("stack", str(layer), f"layer-{layer}") for layer in range(1, 6)
            ],
        },
        "platforms_are_not_stacked_too_high",
        "first_platform=stack: 1, labels=layer-2 > layer-3 > layer-4 > layer-5,"
        " would_go_on_to=stack: 5",
    ),
    "an owner who is no team": (
        {"platforms": [_platform("orphan", "main", owner="nobody")]},
        "names_one_of_platforms_owner",
        "platform=orphan, sub_platform=main",
    ),
    "an owner without a contact": (
        {"teams": [TEAM | {"team": "silent-team", "contact": ""}]},
        "is_given_teams_contact",
        "team=silent-team",
    ),
    "two rows at one time": (
        {
            "platforms": [
                _platform("twice", "main", valid_until="2026-10-04"),
                _platform("twice", "main", valid_from="2026-10-03"),
            ]
        },
        "never_overlaps_stg_seeds__platforms",
        "platform=twice, sub_platform=main, span_from=2026-10-03 00:00:00",
    ),
    "a cost model that its source does not measure": (
        {"platforms": [_platform("pushed-cores", "main", cost_model="cpu")]},
        "cost_models_fit_their_schedules",
        "platform=pushed-cores, sub_platform=main, schedule_source=pushed, cost_model=cpu",
    ),
    "fixed shares of single charges": (
        {
            "platform_resources": [
                _resource("spark", "main", SPARK, product="AmazonEC2", cost_model="fixed")
            ]
        },
        "fixed_shares_are_of_a_whole_platform",
        "platform=spark, sub_platform=main, lyft_label=spark, product=AmazonEC2",
    ),
    **{
        f"an unknown {column}": (
            {"platforms": [_platform("odd", column, **{column: "word"})]},
            f"is_one_of_platforms_{column}",
            f"platform=odd, sub_platform={column}",
        )
        for column in (
            "schedule_source",
            "cost_model",
            "allocation_base",
            "pool_by",
            "free_policy",
        )
    },
    "a gap too long to be filled": (
        {"platforms": [_platform("odd", "gap", interpolate_hours="12")]},
        "is_one_of_platforms_interpolate_hours",
        "platform=odd, sub_platform=gap",
    ),
    "an unknown cost model of single charges": (
        {"platform_resources": [_resource("spark", "main", "odd", cost_model="word")]},
        "is_one_of_platform_resources_cost_model",
        "platform=spark, sub_platform=main, lyft_label=odd",
    ),
}


# One mistake would hide the others: a build skips whatever needs what was refused.
WARN_ONLY = """
data_tests:
  infraspend:
    +severity: warn
"""


@pytest.fixture(scope="module")
def complaints(company: Company, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The tests of dbt's that refuse all of the mistakes at once, each with its first row."""
    root = tmp_path_factory.mktemp("mistakes")
    mistaken = Company(root, copy_project(root / "project"))
    mistaken.warehouse.parent.mkdir()
    shutil.copy(company.warehouse, mistaken.warehouse)
    with (mistaken.project / "dbt_project.yml").open("a") as settings:
        settings.write(WARN_ONLY)
    seeds = _seeds()
    for rows, _, _ in MISTAKES.values():
        for seed, added in rows.items():
            seeds[seed] += added
    mistaken.declare(**seeds)
    # `infraspend build` finds many of them before dbt does, and would go no further.
    done = mistaken.plain_dbt(
        *("--select", "teams", "platforms", "platform_resources"),
        *("path:models/staging/seeds", "path:models/intermediate/attribution"),
        *WITHOUT_UNIT_TESTS,
    )
    assert done.returncode == 0, done.stdout
    target = mistaken.warehouse.with_name(f"{mistaken.warehouse.name}.dbt") / "target"
    results = json.loads((target / "run_results.json").read_text())["results"]
    return tuple(
        f"{result['unique_id'].split('.')[2]} {_first_row(mistaken, result['compiled_code'])}"
        for result in results
        if result["status"] == "warn"
    )


def _first_row(company: Company, query: str) -> str:
    """The first row that a query finds, as `column=value, ...`."""
    with duckdb.connect(str(company.warehouse), read_only=True) as connection:
        found = connection.execute(query)
        names = [column[0] for column in found.description or ()]
        row = found.fetchone() or ()
    return ", ".join(f"{name}={value}" for name, value in zip(names, row, strict=True))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_seeds_is_refused_and_its_row_named(
    company: Company, complaints: tuple[str, ...], mistake: str
) -> None:
    _, test, row = MISTAKES[mistake]

    (complaint,) = (line for line in complaints if line.startswith(test))
    assert row in complaint
    assert _severity(company, complaint.partition(" ")[0]) == "ERROR"


def _severity(company: Company, test: str) -> str:
    """What a test's failure is to a build: `ERROR` stops it."""
    manifest = company.warehouse.with_name(f"{company.warehouse.name}.dbt") / "target/manifest.json"
    nodes = json.loads(manifest.read_text())["nodes"].values()
    (severity,) = (node["config"]["severity"].upper() for node in nodes if node["name"] == test)
    return str(severity)
