"""Mistakes in seeds are shown before dbt starts, all at once, by file, line, column and value.

What may stand in a cell is said once, by dbt's own tests of the seeds: what is shown here is what
these refuse, and nothing else.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from infraspend.builder.seeds import SEED_COLUMNS, check_seeds
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.open_warehouse import create_raw_tables
from tests.command_line.process import run
from tests.end_to_end.companies import copy_project
from tests.end_to_end.test_label_rules import REFUSED
from tests.workspaces import ROOT, Workspace

WORDS = {
    "match_on": "tag, account_tag, cost_category, pod_label, namespace_label, resource_id, account,"
    " product, usage_type, operation, charge_class, namespace",
    "match_type": "equals, regex, present",
    "cost_model": "cpu, memory, gpu, max, weighted, storage, network, disk_io, usage, even, fixed",
}
NO_HOUR = "is no hour: write 2026-11-01 or 2026-11-01 13:00:00, UTC"
NO_ACCOUNT = "is no account id: twelve digits, zeros in front too"

RULE = {"rule_order": "10", "match_on": "product", "match_type": "equals", "lyft_label": "ci"}
RULE |= {"match_value": "AmazonECR"}
OWNER = {"lyft_label": "ci", "team": "a-team"}
TEAM = {"team": "a-team", "org": "an-org", "contact": "a-team@example.com"}
PLATFORM = {"platform": "k8s", "sub_platform": "core", "schedule_source": "kubernetes"}
PLATFORM |= {"cost_model": "cpu", "owner": "a-team"}
RESOURCE = {"platform": "k8s", "sub_platform": "core", "lyft_label": "core"}
CLOSED = {"payer_account_id": "012345678901", "billing_period": "2026-10", "assembly_id": "an-id"}
INVOICE = {"payer_account_id": "012345678901", "billing_period": "2026-10", "invoice_id": "1"}
INVOICE |= {"amount": "12.34"}
REPORT = {"report": "hourly", "payer_account_id": "012345678901"}
SHARING = {"account_id": "012345678901", "sharing_group": "apart"}
GOOD = {
    **{"label_rules": RULE, "label_owners": OWNER, "teams": TEAM, "platforms": PLATFORM},
    **{"platform_resources": RESOURCE, "closed_periods": CLOSED, "invoice_totals": INVOICE},
    **{"reports": REPORT, "discount_sharing": SHARING},
}
"""A row of each seed without a mistake."""

Case = tuple[str, dict[str, str], str]
"""A seed, what is otherwise in a row, and what is said about it."""

OF_CELLS: list[Case] = [
    ("label_rules", {"rule_order": "first"}, "rule_order: 'first' is no whole number"),
    ("label_rules", {"rule_order": ""}, "rule_order: is empty, and must be given"),
    ("label_rules", {"lyft_label": ""}, "lyft_label: is empty, and must be given"),
    ("label_rules", {"valid_from": "2026-13-01"}, f"valid_from: '2026-13-01' {NO_HOUR}"),
    ("label_rules", {"valid_until": "soon"}, f"valid_until: 'soon' {NO_HOUR}"),
    ("label_owners", {"team": ""}, "team: is empty, and must be given"),
    ("label_owners", {"team": "a-taem"}, "team: 'a-taem' is no team of teams.csv"),
    (
        *("label_owners", {"owned_from": "2026-11-01 00:30:00"}),
        f"owned_from: '2026-11-01 00:30:00' {NO_HOUR}",
    ),
    ("teams", {"contact": ""}, "contact: is empty, and must be given"),
    ("teams", {"valid_from": "01/11/2026"}, f"valid_from: '01/11/2026' {NO_HOUR}"),
    ("platforms", {"sub_platform": ""}, "sub_platform: is empty, and must be given"),
    (
        *("platforms", {"schedule_source": "pulled"}),
        "schedule_source: 'pulled' is not one of kubernetes, pushed, ready_made",
    ),
    ("platforms", {"cost_model": "CPU"}, f"cost_model: 'CPU' is not one of {WORDS['cost_model']}"),
    (
        *("platforms", {"allocation_base": "limit"}),
        "allocation_base: 'limit' is not one of request, usage, max, usage_or_request",
    ),
    (
        *("platforms", {"pool_by": "zone"}),
        "pool_by: 'zone' is not one of instance_type, node, sub_platform",
    ),
    (
        *("platforms", {"free_policy": "free"}),
        "free_policy: 'free' is not one of label, spread, owner",
    ),
    ("platforms", {"owner": "nobody"}, "owner: 'nobody' is no team of teams.csv"),
    ("platforms", {"min_coverage": "75"}, "min_coverage: '75' is not between 0 and 1"),
    ("platforms", {"min_coverage": "1.01"}, "min_coverage: '1.01' is not between 0 and 1"),
    ("platforms", {"min_coverage": "75 %"}, "min_coverage: '75 %' is no number"),
    (
        *("platforms", {"interpolate_hours": "12"}),
        "interpolate_hours: '12' is not one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11",
    ),
    ("platforms", {"carry_hours": "a day"}, "carry_hours: 'a day' is no whole number"),
    ("platforms", {"carry_hours": "-1"}, "carry_hours: '-1' is not between 0 and 8784"),
    ("platforms", {"expected_from": "always"}, f"expected_from: 'always' {NO_HOUR}"),
    (
        *("platform_resources", {"cost_model": "disk"}),
        f"cost_model: 'disk' is not one of {WORDS['cost_model']}",
    ),
    (
        *("closed_periods", {"payer_account_id": "12345678901"}),
        f"payer_account_id: '12345678901' {NO_ACCOUNT}",
    ),
    (
        *("closed_periods", {"billing_period": "2026-08", "closed_at": "November"}),
        "closed_at: 'November' is no time: write 2026-11-01 13:00:00, UTC",
    ),
    (
        *("closed_periods", {"billing_period": "2026-09", "assembly_id": ""}),
        "assembly_id: is empty, and must be given",
    ),
    (
        *("invoice_totals", {"invoice_id": "2", "amount": "1,234.50"}),
        "amount: '1,234.50' is no number",
    ),
    ("reports", {"payer_account_id": "x"}, f"payer_account_id: 'x' {NO_ACCOUNT}"),
    ("discount_sharing", {"account_id": "x"}, f"account_id: 'x' {NO_ACCOUNT}"),
    ("discount_sharing", {"sharing_group": ""}, "sharing_group: is empty, and must be given"),
]
"""Mistakes that dbt's tests of the seeds, or of their numbers, refuse by column."""

OF_SPANS: list[Case] = [
    (
        *(seed, {key: "another", since: "2026-11-01", until: "2026-10-01"}),
        f"{until}: '2026-10-01' is not after {since} '2026-11-01'",
    )
    for seed, key, since, until in (
        ("label_owners", "lyft_label", "owned_from", "owned_until"),
        ("teams", "team", "valid_from", "valid_until"),
        ("platforms", "sub_platform", "valid_from", "valid_until"),
    )
]
"""Rows that end before they begin, where dbt's tests refuse them."""

OF_RULES: list[Case] = [
    ("label_rules", {"match_on": "tags"}, f"match_on: 'tags' is not one of {WORDS['match_on']}"),
    ("label_rules", {"match_on": ""}, "match_on: is empty, and must be given"),
    ("label_rules", {"match_type": "="}, f"match_type: '=' is not one of {WORDS['match_type']}"),
    ("label_rules", {"match_on": "tag"}, "match_key: is empty, and match_on tag needs it"),
    (
        *("label_rules", {"match_key": "user_team"}),
        "match_key: 'user_team' must be empty with match_on product",
    ),
    ("label_rules", {"match_value": ""}, "match_value: is empty, and match_type equals needs it"),
    (
        *("label_rules", {"match_type": "present"}),
        "match_value: 'AmazonECR' must be empty with match_type present",
    ),
    (
        *("label_rules", {"match_on": "account", "match_value": "12345678901"}),
        f"match_value: '12345678901' {NO_ACCOUNT}",
    ),
    (
        *("label_rules", {"match_type": "regex", "match_value": "(unclosed"}),
        "match_value: '(unclosed' is no regular expression (RE2)",
    ),
]

CASES = [*OF_CELLS, *OF_SPANS, *OF_RULES]


def write(directory: Path, cases: list[Case]) -> Path:
    """Seeds with a good row each, and then one for each case."""
    directory.mkdir(exist_ok=True)
    for seed, columns in SEED_COLUMNS.items():
        rows = [GOOD[seed], *(GOOD[seed] | changed for name, changed, _ in cases if name == seed)]
        lines = [columns, *([row.get(column, "") for column in columns] for row in rows)]
        text = "".join(",".join(f'"{cell}"' for cell in line) + "\n" for line in lines)
        (directory / f"{seed}.csv").write_text(text)
    return directory


def mistakes(directory: Path) -> tuple[str, ...]:
    """What is said about the seeds, mistake by mistake."""
    with pytest.raises(InfraspendError) as refusal:
        check_seeds(directory)
    return refusal.value.mistakes


def test_seeds_without_a_mistake_are_good(tmp_path: Path) -> None:
    check_seeds(write(tmp_path / "facts", []))
    check_seeds(ROOT / "seeds")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}: {case[2][:40]}")
def test_a_mistake_is_shown_by_file_line_column_value_and_what_is_allowed(
    tmp_path: Path, case: Case
) -> None:
    seed, _, said = case

    with pytest.raises(InfraspendError) as refusal:
        check_seeds(write(tmp_path / "facts", [case]))

    # The header is line 1, the good row line 2.
    assert f"facts: {seed}.csv, line 3, {said}" in str(refusal.value)
    assert refusal.value.mistakes == ()


def test_rows_that_are_too_short_or_too_long_are_shown_by_their_line(tmp_path: Path) -> None:
    seeds = write(tmp_path / "facts", [])
    (seeds / "teams.csv").write_text(
        'team,org,contact,valid_from,valid_until\n"a-team","an\norg",a@example.com,,\n\n'
        "b-team,an-org,b@example.com\nc-team,an-org,c@example.com,,,\n"
    )

    assert mistakes(seeds) == (
        "teams.csv, line 5: 3 cells where the header has 5: b-team,an-org,b@example.com",
        "teams.csv, line 6: 6 cells where the header has 5: c-team,an-org,c@example.com,,,",
    )


def test_empty_lines_and_more_columns_are_no_mistake(tmp_path: Path) -> None:
    seeds = write(tmp_path / "facts", [])
    (seeds / "teams.csv").write_text(
        "\n".join(("why,contact,org,team,valid_until,valid_from", ",a@b,o,a-team,,", "", ""))
    )

    check_seeds(seeds)


def test_no_more_than_twenty_are_shown_and_the_others_counted(tmp_path: Path) -> None:
    cases = [("teams", {"contact": ""}, "")] * 23

    shown = mistakes(write(tmp_path / "facts", cases))

    assert len(shown) == 21
    assert shown[0] == "teams.csv, line 3, contact: is empty, and must be given"
    assert shown[20] == "3 more, in the lines after it"


@pytest.mark.thorough
def test_the_command_line_shows_them_line_by_line_and_starts_no_dbt(
    fresh: Workspace, tmp_path: Path
) -> None:
    seeds = write(tmp_path / "facts", [OF_CELLS[0], OF_SPANS[0], OF_RULES[0]])

    said = run("build", "--seeds", seeds, "--warehouse", fresh.warehouse, cwd=tmp_path)

    assert said.returncode == 1
    *shown, last = said.stderr.splitlines()
    assert shown == [
        "mistake: label_rules.csv, line 3, rule_order: 'first' is no whole number",
        "mistake: label_rules.csv, line 4, match_on: 'tags' is not one of " + WORDS["match_on"],
        "mistake: label_owners.csv, line 3, owned_until: '2026-10-01' is not after owned_from"
        " '2026-11-01'",
    ]
    assert last.startswith(f"error: seeds in {seeds}: 3 mistakes")
    assert not fresh.ran_dbt


@pytest.fixture(scope="module")
def seeds_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dbt project without any model but those that give seeds their types."""
    project = copy_project(tmp_path_factory.mktemp("seeds alone") / "project")
    settings = project / "dbt_project.yml"
    settings.write_text(settings.read_text().replace('["models"]', '["models/staging/seeds"]'))
    shutil.copy(project / "models" / "columns.md", project / "models" / "staging" / "seeds")
    for test in (project / "tests").glob("*.sql"):
        test.unlink()
    return project


def refused_by_dbt(project: Path, cases: list[Case], root: Path) -> set[tuple[str, str | None]]:
    """The tests of dbt's that fail: what each is about, and which column."""
    write(project / "facts", cases)
    workspace = Workspace(root)
    create_raw_tables(workspace.warehouse)
    target = root / "target"
    command = [Path(sys.executable).with_name("dbt"), "build", "--target-path", target]
    subprocess.run(
        [*command, "--exclude-resource-type", "unit_test"],
        cwd=project,
        env=os.environ
        | {"INFRASPEND_SEEDS": "facts", "INFRASPEND_WAREHOUSE": str(workspace.warehouse)},
        check=False,
    )
    results = json.loads((target / "run_results.json").read_text())["results"]
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    failed = [nodes[one["unique_id"]] for one in results if one["status"] == "fail"]
    return {(node["attached_node"].split(".")[2], node["column_name"]) for node in failed}


@pytest.mark.thorough
def test_dbt_refuses_the_same_cells(seeds_alone: Path, tmp_path: Path) -> None:
    """In every column in which a mistake is shown a test of dbt's fails, and in no other."""
    cells = {(seed, said.partition(":")[0]) for seed, _, said in OF_CELLS}
    assert refused_by_dbt(seeds_alone, OF_CELLS, tmp_path) == cells


@pytest.mark.thorough
def test_dbt_refuses_the_same_numbers_and_spans(seeds_alone: Path, tmp_path: Path) -> None:
    numbers: list[Case] = [("platforms", {"min_coverage": "1.01", "carry_hours": "-1"}, "")]
    assert refused_by_dbt(seeds_alone, [*numbers, *OF_SPANS], tmp_path) == {
        ("stg_seeds__platforms", "min_coverage"),
        ("stg_seeds__platforms", "carry_hours"),
        *((f"stg_seeds__{seed}", None) for seed, _, _ in OF_SPANS),
    }


RULES_OF_ROWS = ("a pattern that is none", "an account that lost its zero")
"""What dbt refuses of label rules that shows in a row; see `REFUSED`."""


@pytest.mark.parametrize("case", RULES_OF_ROWS)
def test_rules_that_dbt_refuses_are_shown(tmp_path: Path, case: str) -> None:
    ((order, *cells),), _ = REFUSED[case]
    values = dict(zip(SEED_COLUMNS["label_rules"], (str(order), *cells), strict=True))

    with pytest.raises(InfraspendError, match=r"label_rules\.csv, line 3, match_value"):
        check_seeds(write(tmp_path / "facts", [("label_rules", values, "")]))


def test_the_words_of_label_rules_are_those_that_the_macro_knows() -> None:
    macro = (ROOT / "macros" / "label_rule_problem.sql").read_text()
    lists = re.findall(r"\[([^\]]*)\]", macro)[:3]
    words = [word for words in lists for word in re.findall("'([a-z_]+)'", words)]
    assert sorted(words) == sorted(f"{WORDS['match_on']}, {WORDS['match_type']}".split(", "))


def test_the_columns_are_those_that_are_described() -> None:
    described = yaml.safe_load((ROOT / "models/staging/seeds/_seeds.yml").read_text())["seeds"]
    assert {
        seed["name"]: tuple(column["name"] for column in seed["columns"]) for seed in described
    } == SEED_COLUMNS
