"""Label rules, of every kind, on a small bill and a small cluster, whatever the text says."""

import json
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from infraspend.builder.seeds import SEED_COLUMNS
from tests.end_to_end.companies import TEAM, WITHOUT_UNIT_TESTS, Company, built, company_in
from tests.loaders.bills import charge, deliver_legacy, text_of
from tests.loaders.collections import POD, collect

pytestmark = pytest.mark.thorough

Rule = tuple[int, str, str, str, str, str, str, str]

HOSTILE = "it's \"{{ 1/0 }}\" {% raw %} <script>alert('x')</script>; drop table x; -- \\ $1 %s"
LONG = "x" * 65536
COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))

# In the order of the seed's columns.
RULES: list[Rule] = [
    (10, "tag", "user_service", "present", "", "{value}", "", ""),
    (20, "tag", "user_name", "regex", "^legacy-([a-z]+)-[0-9]+$", "{1}", "", ""),
    (25, "tag", "user_name", "regex", "^(\\w+)/(\\w+)$", "{2} of {1}", "", ""),
    (30, "product", "", "equals", "AmazonECR", "ci", "", ""),
    (30, "account", "", "equals", "012345678901", "ci", "", ""),
    (40, "resource_id", "", "regex", "^demo-([a-z]+)-data$", "{1}", "", ""),
    (50, "tag", "user_era", "equals", "moved", "new-home", "2026-10-03 06:00:00", ""),
    (60, "tag", "user_era", "equals", "moved", "old-home", "", ""),
    (70, "tag", "user_era", "equals", "gone", "gone", "", "2026-10-03 06:00:00"),
    (80, "usage_type", "", "regex", "EBS:VolumeUsage", "volumes", "", ""),
    (90, "operation", "", "equals", "PutObject", "writers", "", ""),
    (100, "charge_class", "", "equals", "tax", "taxes", "", ""),
    (110, "product", "", "equals", HOSTILE, 'it\'s <b>"hostile"</b>', "", ""),
    (120, "tag", "user_name", "regex", "^it's (.*)$", "{1} {{ 7 * 7 }}", "", ""),
    (124, "tag", "user_team", "equals", DECOMPOSED, "accented", "", ""),
    (125, "tag", "user_team", "present", "", "some-team", "", ""),
    (130, "tag", "user_era", "equals", "reserved", "Free", "", ""),
    (140, "namespace", "", "equals", "kube-system", "kubernetes-system", "", ""),
    (150, "namespace", "", "regex", "^([a-z]+)-canary$", "{1}", "", ""),
    (160, "pod_label", "app", "present", "", "{value}", "", ""),
]

# What a line is, and the label that it gets.
LINES: dict[str, tuple[dict[str, str], str]] = {
    "a tag's value is the label": ({"service": "api"}, "api"),
    "labels are trimmed and lower-cased": ({"service": " \tAPI "}, "api"),
    "one word has one spelling": ({"service": DECOMPOSED}, COMPOSED),
    "another form of it": ({"service": COMPOSED.upper()}, COMPOSED),
    "the lowest order wins": ({"service": "api", "name": "legacy-eta-1"}, "api"),
    "a blank tag is no tag": ({"service": " \t ", "name": "legacy-eta-1"}, "eta"),
    "a tag is there": ({"team": "any"}, "some-team"),
    "a value in another form": ({"team": COMPOSED}, "accented"),
    "a blank tag is not": ({"team": " \t "}, "unlabeled"),
    "a pattern captures": ({"name": "legacy-eta-42"}, "eta"),
    "a pattern is anchored where it says": ({"name": "not-legacy-eta-42"}, "unlabeled"),
    "a pattern captures twice": ({"name": "ledger/payments"}, "payments of ledger"),
    "all rows of a rule match": ({"product": "AmazonECR"}, "ci"),
    "one row of a rule does not": (
        {"product": "AmazonECR", "account": "999999999999"},
        "unlabeled",
    ),
    "a resource has an id": ({"resource": "demo-ledger-data"}, "ledger"),
    "a resource like no rule": ({"resource": "demo-ledger-data-2"}, "unlabeled"),
    "before the move": ({"era": "moved", "hour": "05"}, "old-home"),
    "after the move": ({"era": "moved", "hour": "06"}, "new-home"),
    "before the end": ({"era": "gone", "hour": "05"}, "gone"),
    "after the end": ({"era": "gone", "hour": "06"}, "unlabeled"),
    "a usage type": ({"usage_type": "USW2-EBS:VolumeUsage.gp3"}, "volumes"),
    "an operation": ({"operation": "PutObject"}, "writers"),
    "a charge class": ({"type": "Tax"}, "taxes"),
    "a tag cannot be a reserved label": ({"service": "free"}, "unlabeled"),
    "in no spelling": ({"service": " Unattributed "}, "unlabeled"),
    "and the next rule is asked": ({"service": "_unused_ri", "name": "legacy-eta-1"}, "eta"),
    "a rule cannot give one": ({"era": "reserved"}, "unlabeled"),
    "hostile tags": ({"service": HOSTILE}, HOSTILE.lower()),
    "hostile values in rules": ({"product": HOSTILE}, 'it\'s <b>"hostile"</b>'),
    "hostile labels in rules": ({"name": 'it\'s "me"'}, '"me" {{ 7 * 7 }}'),
    "two lines": ({"service": "first\nsecond"}, "first\nsecond"),
    "64 KB": ({"service": LONG}, LONG),
    "nothing at all": ({}, "unlabeled"),
}

# (Namespace, pod labels) -> label.
PODS: dict[tuple[str, str], str] = {
    ("api", ""): "api",
    ("free", ""): "namespace:free",
    ("unattributed", ""): "namespace:unattributed",
    ("kube-system", ""): "kubernetes-system",
    ("eta-canary", ""): "eta",
    ("batch", "Trainer"): "trainer",
    ("batch", HOSTILE): HOSTILE.lower(),
    ("batch", "unlabeled"): "batch",
    ("batch", " "): "batch",
}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Company:
    company = company_in(tmp_path_factory.mktemp("labelled"), project)
    deliver_labelled(company)
    return built(company, *WITHOUT_UNIT_TESTS)


def deliver_labelled(company: Company) -> None:
    """Delivers a line per case and a pod per case, and declares the rules."""
    lines = [_line(number, **values) for number, (values, _) in enumerate(LINES.values())]
    deliver_legacy(company.bill, text_of(lines))
    _collect(company)
    company.declare(
        label_rules=_rules(RULES),
        teams=[TEAM],
        label_owners=[{"lyft_label": DECOMPOSED.upper(), "team": TEAM["team"]}],
        platforms=[
            {
                "platform": "k8s",
                "sub_platform": "blue",
                "schedule_source": "kubernetes",
                "cost_model": "cpu",
                "owner": TEAM["team"],
            }
        ],
    )


def _line(
    number: int,
    *,
    service: str = "",
    name: str = "",
    era: str = "",
    team: str = "",
    hour: str = "05",
    product: str = "AmazonEC2",
    account: str = "012345678901",
    resource: str = "i-1",
    usage_type: str = "BoxUsage",
    operation: str = "RunInstances",
    type: str = "Usage",  # noqa: A002 - the column's name
) -> dict[str, str]:
    """A line whose cost is a power of two, so that a sum of costs shows which lines are in it."""
    start, end = f"2026-10-03T{hour}:00:00Z", f"2026-10-03T{int(hour) + 1:02}:00:00Z"
    line = charge(
        identity__TimeInterval=f"{start}/{end}",
        lineItem__UsageStartDate=start,
        lineItem__UsageEndDate=end,
        lineItem__UsageAccountId=account,
        lineItem__LineItemType=type,
        lineItem__ProductCode=product,
        lineItem__UsageType=usage_type,
        lineItem__Operation=operation,
        lineItem__ResourceId=resource,
        lineItem__UnblendedCost=str(2**number),
    )
    tags = {"service": service, "name": name, "era": era, "team": team}
    return dict(line) | {f"resourceTags/user:{key}": value for key, value in tags.items()}


def _rules(rules: list[Rule]) -> list[dict[str, str]]:
    return [dict(zip(SEED_COLUMNS["label_rules"], map(str, rule), strict=True)) for rule in rules]


def _collect(company: Company) -> None:
    """A pod per case, each of which requests a number of cores of its own."""
    at = "2026-10-03 05:00"
    pods = [
        {"usage_hour": at, "namespace": namespace, "pod": str(number), "uid": str(number)}
        for number, (namespace, _) in enumerate(PODS)
    ]
    collect(
        company.kubernetes,
        first=at,
        end="2026-10-03 06:00",
        rows={
            "container_hours": [
                POD | pod | {"cpu_request_core_hours": float(2 ** int(pod["pod"]))} for pod in pods
            ],
            "pods": [
                pod | {"labels": json.dumps({"app": app, "team": "t"}, sort_keys=True)}
                for pod, (_, app) in zip(pods, PODS, strict=True)
                if app
            ],
            "scrape_hours": [{"usage_hour": at, "samples": 60, "expected_samples": 60}],
        },
    )


def labels_of_lines(company: Company) -> dict[str, str | None]:
    """Case -> the label that its line got."""
    found = {
        number: label
        for label, total in company.rows(
            "select lyft_label, sum(true_cost) from marts.true_cost group by all"
        )
        for number in _those_in(total, len(LINES))
    }
    return {case: found.get(number) for number, case in enumerate(LINES)}


def labels_of_pods(company: Company) -> dict[tuple[str, str], str | None]:
    """Namespace and pod label -> the label that the pod got."""
    found = {
        number: label
        for label, total in company.rows(
            "select lyft_label, weight_units / 277200000000000"
            " from intermediate.int_gap_filled_usage"
            " where capacity_pool = 'all' and basis = 'measured'"
        )
        for number in _those_in(total, len(PODS))
    }
    return {pod: found.get(number) for number, pod in enumerate(PODS)}


def _those_in(total: Any, count: int) -> list[int]:
    """Which of the powers of two a sum is made of."""
    return [number for number in range(count) if int(total) >> number & 1]


def test_every_charge_has_the_label_of_the_first_rule_that_matches(labelled: Company) -> None:
    assert labels_of_lines(labelled) == {case: label for case, (_, label) in LINES.items()}


def test_the_rule_that_won_stands_on_the_charge(labelled: Company) -> None:
    rules = dict(
        labelled.rows(
            "select lyft_label, min(label_rule) from marts.true_cost"
            " group by all having count(distinct coalesce(label_rule, 0)) = 1"
        )
    )
    assert (rules["ci"], rules["new-home"], rules["old-home"]) == (30, 50, 60)
    assert rules["unlabeled"] is None


def test_an_owner_may_spell_a_label_in_another_form(labelled: Company) -> None:
    assert labelled.rows(
        f"select distinct team from marts.daily_spend where lyft_label = '{COMPOSED}'"
    ) == [(TEAM["team"],)]


def test_every_pod_has_the_label_of_its_namespace_or_of_a_rule(labelled: Company) -> None:
    assert labels_of_pods(labelled) == PODS


REFUSED: dict[str, tuple[list[Rule], str]] = {
    "two rows that differ": (
        [
            (10, "product", "", "equals", "AmazonECR", "ci", "", ""),
            (10, "account", "", "equals", "012345678901", "images", "", ""),
        ],
        "rule_order 10: its rows are one rule but differ",
    ),
    "a pattern that is none": (
        [(10, "product", "", "regex", "(unclosed", "ci", "", "")],
        "rule_order 10: `(unclosed` is not a pattern",
    ),
    "charges and namespaces": (
        [
            (10, "product", "", "equals", "AmazonECR", "ci", "", ""),
            (10, "namespace", "", "equals", "ci", "ci", "", ""),
        ],
        "rule_order 10: it mixes conditions",
    ),
    "a value of nothing": (
        [(10, "product", "", "equals", "AmazonECR", "{value}", "", "")],
        "rule_order 10: its lyft_label takes a value",
    ),
    "a placeholder that nobody defined": (
        [(10, "tag", "user_team", "present", "", "{team}", "", "")],
        "rule_order 10: its lyft_label has `{team}`, which is neither {value} nor a capture",
    ),
    "a capture that the pattern does not make": (
        [(10, "tag", "user_team", "regex", "^(a|b)$", "{1}-{2}", "", "")],
        "rule_order 10: its lyft_label has `{2}`, but its pattern captures 1",
    ),
    "an account that lost its zero": (
        [(10, "account", "", "equals", "12345678901", "ci", "", "")],
        "rule_order 10: `12345678901` is no account id: twelve digits, zeros in front too",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_rule_that_cannot_be_followed_is_refused_by_its_number(
    labelled: Company, tmp_path: Path, project: Path, case: str
) -> None:
    rules, complaint = REFUSED[case]
    refused = company_in(tmp_path, project)
    shutil.copy(labelled.warehouse, refused.warehouse)
    refused.declare(label_rules=_rules(rules))

    # `infraspend build` would find some of them before dbt does.
    done = refused.plain_dbt(
        "--select", "label_rules", "stg_seeds__label_rules", "int_label_matches"
    )

    assert done.returncode != 0
    assert f"label_rules.csv, {complaint}" in " ".join(done.stdout.split())


def test_an_edited_rule_applies_wherever_its_dates_say_the_past_included(
    labelled: Company, tmp_path: Path, project: Path
) -> None:
    edited = company_in(tmp_path, project)
    shutil.copy(labelled.warehouse, edited.warehouse)
    # The bill speaks of 05:00 and 06:00. One rule is another now and always was; one holds from
    # 06:00 on only.
    changed = {
        60: (60, "tag", "user_era", "equals", "moved", "first-home", "", ""),
        90: (90, "operation", "", "equals", "PutObject", "writers", "2026-10-03 06:00:00", ""),
    }
    edited.declare(label_rules=_rules([changed.get(rule[0], rule) for rule in RULES]))

    result = edited.build(
        *("--select", "label_rules", "stg_seeds__label_rules", "int_label_matches"),
        *("int_charges_labelled", "int_unused_commitments", "int_charges_true_cost", "true_cost"),
        *("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"),
    )

    assert result.succeeded, result.failures
    expected = {case: label for case, (_, label) in LINES.items()}
    assert labels_of_lines(edited) == expected | {
        "before the move": "first-home",
        "an operation": "unlabeled",
    }
