"""Hundreds of generated platforms on platforms, split by the models and by a reference of its own.

Each stack has labels and sub-platforms of its own, so that one bill and one build prove them all; a
stack that comes out wrong is printed, the smallest of them. `--hypothesis-seed` makes others.
"""

from collections import Counter, defaultdict
from datetime import datetime
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.end_to_end.companies import WITHOUT_UNIT_TESTS, Company, built, company_in
from tests.generated_platforms.delivery import UNCLAIMED, deliver, moment
from tests.generated_platforms.reference import ALL, FREE, ONE, Splitter
from tests.generated_platforms.stacks import COST_MODELS, TYPES, Stack, stacks

pytestmark = pytest.mark.thorough

STACKS = 240
SEED = 20261124
MARTS = ("+attribution_schedule", "+enriched_spend", "+unallocated_capacity")

Key = tuple[Any, ...]


@pytest.fixture(scope="module")
def generated(request: pytest.FixtureRequest) -> list[Stack]:
    """The stacks; `--hypothesis-seed` makes other ones."""
    found: list[Stack] = []

    @seed(int(request.config.getoption("--hypothesis-seed") or SEED))
    @settings(
        max_examples=STACKS,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def collect(data: st.DataObject) -> None:
        found.append(data.draw(stacks(len(found))))

    collect()
    return found


@pytest.fixture(scope="module")
def company(
    generated: list[Stack], tmp_path_factory: pytest.TempPathFactory, project: Path
) -> Company:
    """All stacks on one bill, landed and built."""
    company = company_in(tmp_path_factory.mktemp("stacks"), project)
    deliver(company, generated)
    without_tests = ("--exclude-resource-type", "test", *WITHOUT_UNIT_TESTS)
    return built(company, "--select", *MARTS, *without_tests)


def test_the_stacks_are_of_every_kind(generated: list[Stack], company: Company) -> None:
    kinds: Counter[str] = Counter()
    for stack in generated:
        kinds[f"{len(stack.layers)} levels"] += 1
        for layer in stack.layers:
            kinds[layer.source] += 1
            kinds[f"pool_by {layer.pool_by}"] += 1
            kinds[f"{len(layer.eras)} eras"] += 1
            for era in layer.eras:
                kinds[f"{layer.source}: {era.cost_model}"] += 1
                kinds[f"free_policy {era.free_policy}"] += 1
        for charge in stack.charges:
            kinds["an hour" if charge.hours == 1 else "many hours"] += 1
    bases = dict(company.rows("select basis, count(*) from marts.enriched_spend group by basis"))
    print(dict(sorted(kinds.items())), bases)

    assert len(generated) >= 200
    assert {f"{levels} levels" for levels in range(1, 5)} <= kinds.keys()
    assert {f"{source}: {one}" for source, models in COST_MODELS.items() for one in models} <= (
        kinds.keys()
    )
    assert {f"free_policy {policy}" for policy in ("label", "spread", "owner")} <= kinds.keys()
    assert {"an hour", "many hours", "2 eras"} <= kinds.keys()
    assert bases.keys() >= {
        *("measured", "pushed", "ready_made", "sub_platform"),
        *("interpolated", "carried_forward", "unattributed"),
    }


def test_every_proportion_is_between_0_and_1_and_they_add_up_to_exactly_1(
    company: Company,
) -> None:
    assert not company.rows(
        "from marts.attribution_schedule where proportion is null"
        " or not (proportion between 0 and 1)"
    )
    grain = "usage_hour, interval_hours, platform, sub_platform, capacity_pool, cost_model"
    assert not company.rows(
        f"select {grain} from marts.attribution_schedule"
        f" group by {grain} having sum(proportion) <> 1"
    )


def test_no_digit_of_any_charge_is_lost(generated: list[Stack], company: Company) -> None:
    expected: Counter[Key] = Counter()
    for stack in generated:
        for charge in stack.charges:
            expected[stack.layers[0].label, moment(charge.hour), charge.product] += _units(
                charge.cost
            )
    found = {
        key: _units(spend)
        for *key_columns, spend in company.rows(
            "select source_label, usage_hour, product, sum(spend) from marts.enriched_spend"
            f" where source_label <> '{UNCLAIMED}' group by all"
        )
        if (key := tuple(key_columns))
    }
    assert found == dict(expected)


def test_every_schedule_is_what_was_held(generated: list[Stack], company: Company) -> None:
    found: dict[Key, dict[Key, int]] = defaultdict(dict)
    for platform, number, hour, pool, model, label, proportion, basis in company.rows(
        "select platform, sub_platform, usage_hour, capacity_pool, cost_model, lyft_label,"
        " proportion, basis from marts.attribution_schedule"
        " where interval_hours = 1 and proportion > 0"
    ):
        found[platform, number][hour, pool, model, label, basis] = int(proportion * ONE)
    expected = {}
    for stack in generated:
        for one in Splitter(stack).layers:
            shares: dict[Key, int] = {}
            for hour in one.calendar:
                for model in one.cost_models():
                    for pool in (ALL, *TYPES):
                        schedule = one.schedule(hour, 1, pool, model)
                        for label, units in (schedule.served if schedule else {}).items():
                            if schedule and units:
                                basis = schedule.bases[label]
                                shares[moment(hour), pool, model, label, basis] = units
            expected[one.layer.place] = shares
    _compare(generated, expected, found)


def test_every_dollar_is_where_it_belongs(generated: list[Stack], company: Company) -> None:
    found: dict[Key, dict[Key, int]] = defaultdict(dict)
    for label, *columns, spend in company.rows(
        "select source_label, usage_hour, interval_hours, product, lyft_label, platform,"
        " sub_platform, capacity_pool, cost_model, via, basis, sum(spend)"
        f" from marts.enriched_spend where source_label <> '{UNCLAIMED}'"
        " group by all having sum(spend) <> 0"
    ):
        found[label,][tuple(columns)] = _units(spend)
    expected = {}
    for stack in generated:
        splitter = Splitter(stack)
        spends: Counter[Key] = Counter()
        for charge in stack.charges:
            for part in splitter.split(charge)[0]:
                last = part.steps[-1]
                key = (
                    *(moment(charge.hour), charge.hours, charge.product, part.label),
                    *(*last.place, last.pool, last.cost_model),
                    " > ".join(map(str, part.steps[:-1])),
                    part.basis,
                )
                spends[key] += _units(charge.cost) // ONE * part.units
        expected[stack.layers[0].label,] = {key: spend for key, spend in spends.items() if spend}
    _compare(generated, expected, found)


def test_what_nobody_held_is_measured_before_anybody_pays_for_it(
    generated: list[Stack], company: Company
) -> None:
    found: dict[Key, dict[Key, int]] = defaultdict(dict)
    for platform, number, pool, spend, free_spend in company.rows(
        "select platform, sub_platform, capacity_pool, sum(spend), sum(free_spend)"
        " from marts.unallocated_capacity group by all"
    ):
        found[platform, number].update(
            {(pool, "all"): _units(spend), (pool, FREE): _units(free_spend)}
        )
    expected: dict[Key, dict[Key, int]] = defaultdict(lambda: defaultdict(int))
    for stack in generated:
        splitter = Splitter(stack)
        for charge in stack.charges:
            cost = _units(charge.cost) // ONE
            for throughput in splitter.split(charge)[1]:
                passed = expected[throughput.step.place]
                passed[throughput.step.pool, "all"] += cost * throughput.units
                passed[throughput.step.pool, FREE] += cost * throughput.free_units
    _compare(generated, expected, found)


def _units(amount: Decimal) -> int:
    """An amount in units of its twentieth digit."""
    with localcontext(prec=60):
        return int(amount.scaleb(20))


def _compare(
    generated: list[Stack], expected: dict[Key, dict[Key, int]], found: dict[Key, dict[Key, int]]
) -> None:
    """Fails with the smallest stack that is not as expected.

    Args:
        generated: The stacks.
        expected: Sub-platform, or label of a stack -> what it should come to.
        found: The same, as the models say.
    """
    wrong = {
        owner
        for owner in expected.keys() | found.keys()
        if expected.get(owner, {}) != found.get(owner, {})
    }
    if not wrong:
        return
    stories = []
    for stack in generated:
        for layer in stack.layers:
            for owner in wrong & {layer.place, (layer.label,)}:
                ours, theirs = found.get(owner, {}), expected.get(owner, {})
                lines = [
                    f"{_printed(key)}: expected {theirs.get(key)}, found {ours.get(key)}"
                    for key in sorted(ours.keys() | theirs.keys(), key=str)
                    if ours.get(key) != theirs.get(key)
                ]
                stories.append("\n".join([str(stack), str(owner), *lines[:6]]))
    pytest.fail(f"{len(wrong)} are wrong, such as\n{min(stories, key=len)}")


def _printed(key: Key) -> str:
    return ", ".join(f"{part:%H}" if isinstance(part, datetime) else str(part) for part in key)
