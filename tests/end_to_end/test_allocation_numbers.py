"""The eight examples of shares and splits that everything rests on, each from files to marts.

The first, the talk's slides, is `test_talk.py`. The expected numbers are published or worked out by
hand. Each example is a label of its own on one bill, so that one build proves them all.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from tests.end_to_end.companies import (
    LABEL_OF_TAG,
    TEAM,
    WITHOUT_UNIT_TESTS,
    Company,
    built,
    company_in,
)
from tests.loaders.bills import Row, charge, deliver_legacy, text_of
from tests.loaders.collections import POD, collect

pytestmark = pytest.mark.thorough

HOUR, NEXT_HOUR = "2026-10-03T05:00:00Z", "2026-10-03T06:00:00Z"

# AWS's example of split cost allocation: an m5.xlarge of 4 vCPU and 16 GB that costs 1 dollar an
# hour, and four pods; cores and GB as (reserved, used).
PODS = {
    "one": ((1.0, 0.1), (4.0, 3.0)),
    "two": ((1.0, 1.9), (4.0, 6.0)),
    "three": ((1.0, 0.5), (2.0, 2.0)),
    "four": ((1.0, 0.5), (2.0, 2.0)),
}
MACHINE = {"node": "node-1", "instance_type": "m5.xlarge", "running_hours": 1.0}
# Cluster -> how it is split.
CLUSTERS = {
    "of-requests": {"cost_model": "cpu", "allocation_base": "request"},
    "of-the-larger": {"cost_model": "weighted", "allocation_base": "max"},
    "of-everything": {
        "cost_model": "weighted",
        "allocation_base": "max",
        "free_policy": "spread",
    },
}
# Platform of one sub-platform, which is a label too -> how it is split, and what it published.
PUSHED = {
    "thirds": ("usage", {"api": "1", "eta": "1", "web": "1"}),
    "idle": ("usage", {"api": "0"}),
    "shared-pool": ("fixed", {"a": "25", "b": "75"}),
}
FOCUS = {"one": "0.5", "two": "0.3", "three": "0.2"}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Company:
    company = company_in(tmp_path_factory.mktemp("numbers"), project)
    deliver_legacy(company.bill, text_of(_aligned(_lines())))
    for cluster in CLUSTERS:
        _collect(company, cluster)
    _publish(company)
    _declare(company)
    marts = ("+true_cost", "+attribution_schedule", "+enriched_spend", "+unallocated_capacity")
    quickly = ("--indirect-selection", "cautious", *WITHOUT_UNIT_TESTS)
    return built(company, "--select", *marts, *quickly)


def _lines() -> list[Row]:
    plan = {"savingsPlan/SavingsPlanARN": "arn:sp"}
    return [
        *(_line(cluster, "1", instance_type="m5.xlarge") for cluster in CLUSTERS),
        # Two other rows of `platform_resources` split these.
        _line("of-requests", "1", product="AmazonEFS"),
        _line("of-requests", "1", product="AmazonEKS"),
        _line(
            "split-charge",
            "240",
            lineItem__UsageAmount="24",
            pricing__publicOnDemandCost="288",
        ),
        _line("shared-pool", "100"),
        _line(
            "idle",
            "100",
            lineItem__UsageStartDate="2026-10-03T00:00:00Z",
            lineItem__UsageEndDate="2026-10-04T00:00:00Z",
        ),
        _line("a-plan", "0.0052", plan, savingsPlan__SavingsPlanEffectiveCost="0.0026",
              lineItem__LineItemType="SavingsPlanCoveredUsage"),
        _line("a-plan", "0.0026", plan, savingsPlan__SavingsPlanEffectiveCost="0.0013",
              lineItem__LineItemType="SavingsPlanCoveredUsage"),
        _line("a-plan", "-0.0078", plan, lineItem__LineItemType="SavingsPlanNegation"),
        _line("a-plan", "0.0039", plan, lineItem__LineItemType="SavingsPlanRecurringFee",
              savingsPlan__TotalCommitmentToDate="0.0039",
              savingsPlan__UsedCommitment="0.0039",
              savingsPlan__RecurringCommitmentForBillingPeriod="0.0039"),
        _line("thirds", "3"),
    ]  # fmt: skip


def _line(
    label: str,
    cost: str,
    *parts: Mapping[str, str],
    product: str = "AmazonEC2",
    instance_type: str = "",
    **values: str,
) -> Row:
    line = dict(
        charge(
            lineItem__UnblendedCost=cost,
            lineItem__ProductCode=product,
            product__instanceType=instance_type,
            **values,
        )
    )
    for part in parts:
        line |= part
    return line | {"resourceTags/user:service": label}


def _aligned(lines: Sequence[Row]) -> list[Row]:
    """The lines with all columns that any of them has."""
    names = {name: "" for line in lines for name in line}
    return [names | dict(line) for line in lines]


def _collect(company: Company, cluster: str) -> None:
    at = {"usage_hour": HOUR}
    collect(
        company.kubernetes,
        cluster=cluster,
        first="2026-10-03 05:00",
        end="2026-10-03 06:00",
        rows={
            "container_hours": [
                POD
                | at
                | {
                    "namespace": name,
                    "pod": name,
                    "uid": name,
                    "cpu_request_core_hours": cores[0],
                    "cpu_usage_core_hours": cores[1],
                    "memory_request_gib_hours": memory[0],
                    "memory_usage_gib_hours": memory[1],
                }
                for name, (cores, memory) in PODS.items()
            ],
            "node_hours": [
                MACHINE | at | {"cpu_capacity_core_hours": 4.0, "memory_capacity_gib_hours": 16.0}
            ],
            "scrape_hours": [at | {"samples": 60, "expected_samples": 60}],
        },
    )


def _publish(company: Company) -> None:
    usage = ["usage_hour,platform,sub_platform,lyft_label,usage"]
    for name, (cost_model, by_label) in PUSHED.items():
        # Shares that are fixed were agreed on long ago; the idle day has all of its hours.
        hours = ["2026-09-01T00:00:00Z"] if cost_model == "fixed" else [HOUR]
        if name == "idle":
            hours = [f"2026-10-03T{hour:02}:00:00Z" for hour in range(24)]
        usage += [
            f"{hour},pushed,{name},{label},{amount}"
            for hour in hours
            for label, amount in by_label.items()
        ]
    schedule = ["usage_hour,platform,sub_platform,lyft_label,proportion"]
    schedule += [f"{HOUR},made,split-charge,{label},{part}" for label, part in FOCUS.items()]
    for platform, lines in (("pushed", usage), ("made", schedule)):
        folder = company.platforms / platform
        folder.mkdir(parents=True)
        (folder / "hours.csv").write_text("\n".join(lines) + "\n")


def _declare(company: Company) -> None:
    platforms = [
        *(
            {"platform": "k8s", "sub_platform": cluster, "schedule_source": "kubernetes"} | values
            for cluster, values in CLUSTERS.items()
        ),
        *(
            {
                "platform": "pushed",
                "sub_platform": name,
                "schedule_source": "pushed",
                "cost_model": cost_model,
            }
            for name, (cost_model, _) in PUSHED.items()
        ),
        {
            "platform": "made",
            "sub_platform": "split-charge",
            "schedule_source": "ready_made",
            "cost_model": "usage",
        },
    ]
    resources = [
        {
            "platform": one["platform"],
            "sub_platform": one["sub_platform"],
            "lyft_label": one["sub_platform"],
        }
        for one in platforms
    ]
    of_requests = next(one for one in resources if one["sub_platform"] == "of-requests")
    company.declare(
        label_rules=[LABEL_OF_TAG],
        teams=[TEAM],
        platforms=[one | {"owner": TEAM["team"]} for one in platforms],
        platform_resources=[
            *resources,
            of_requests | {"product": "AmazonEFS", "cost_model": "memory"},
            of_requests | {"product": "AmazonEKS", "cost_model": "max"},
        ],
    )


def _split(company: Company, source_label: str, product: str = "AmazonEC2") -> dict[str, Decimal]:
    """Label -> what it spends of a label's charges."""
    return dict(
        company.rows(
            "select lyft_label, sum(spend) from marts.enriched_spend"
            f" where source_label = '{source_label}' and product = '{product}' group by all"
        )
    )


def _dollars(**by_label: str) -> dict[str, Decimal]:
    return {label: Decimal(amount) for label, amount in by_label.items()}


def test_number_2_the_split_cost_of_aws_with_what_is_unused_as_free(company: Company) -> None:
    # 52 parts: 36 for the vCPUs, over the 4.9 that count, and one for each GB; 2 GB are nobody's.
    # AWS's split costs are .218210361068, .383830455259 and twice .179748822606, .038461538462 are
    # unused: rounded down they lack two units, which go to the first and to what is free.
    assert _split(company, "of-the-larger") == _dollars(
        one="0.2182103611",
        two="0.3838304552",
        three="0.1797488226",
        four="0.1797488226",
        free="0.0384615385",
    )


def test_number_2_the_split_cost_of_aws_with_what_is_unused_spread(company: Company) -> None:
    # AWS's totals: .229199372057, .400313971743 and twice .1852433281, of which it prints
    # .23 + .40 + .19 + .19 = 1.01.
    assert _split(company, "of-everything") == _dollars(
        one="0.2291993721", two="0.4003139717", three="0.1852433281", four="0.1852433281"
    )
    assert company.rows(
        "select spend, free_spend, free_share from marts.unallocated_capacity"
        " where sub_platform = 'of-everything'"
    ) == [(Decimal(1), Decimal("0.0384615385"), Decimal("0.0384615385"))]


def test_number_3_the_same_hour_under_other_rules(company: Company) -> None:
    quarters = dict.fromkeys(PODS, Decimal("0.25"))
    eighth = Decimal("0.125")

    assert _split(company, "of-requests") == quarters
    assert _split(company, "of-requests", "AmazonEFS") == quarters | {
        "three": eighth,
        "four": eighth,
        "free": Decimal("0.25"),
    }
    assert _split(company, "of-requests", "AmazonEKS") == quarters


def test_number_4_the_split_of_a_focus_charge(company: Company) -> None:
    assert company.rows(
        """
        select
            split.lyft_label,
            split.spend,
            split.proportion * bill.usage_amount,
            split.proportion * bill.list_cost
        from marts.enriched_spend as split
        inner join marts.true_cost as bill on bill.lyft_label = split.source_label
        where split.source_label = 'split-charge'
        order by split.spend desc
        """
    ) == [
        ("one", Decimal(120), Decimal(12), Decimal(144)),
        ("two", Decimal(72), Decimal("7.2"), Decimal("86.4")),
        ("three", Decimal(48), Decimal("4.8"), Decimal("57.6")),
    ]


def test_number_5_a_shared_pool_is_redistributed(company: Company) -> None:
    assert dict(
        company.rows(
            """
            with moved as (
                select lyft_label, spend from marts.enriched_spend
                where source_label = 'shared-pool'
                union all
                select source_label, -spend from marts.enriched_spend
                where source_label = 'shared-pool'
            )
            select lyft_label, sum(spend) from moved group by lyft_label
            """
        )
    ) == {"a": Decimal(25), "b": Decimal(75), "shared-pool": Decimal(-100)}


def test_number_6_a_day_of_nobody_s_usage_is_free_and_not_lost(company: Company) -> None:
    assert _split(company, "idle") == {"free": Decimal(100)}
    assert company.rows(
        "select spend, free_spend from marts.unallocated_capacity where sub_platform = 'idle'"
    ) == [(Decimal(100), Decimal(100))]


def test_number_7_a_savings_plan_with_one_negation(company: Company) -> None:
    # All of the plan is used. The reservation beside it in AWS's pages is in the unit
    # tests of int_line_items_priced.
    assert _split(company, "a-plan") == {"a-plan": Decimal("0.0039")}
    assert company.rows(
        "select lyft_label, sum(unblended_cost), sum(true_cost) from marts.true_cost"
        " where lyft_label in ('a-plan', '_unused_sp') group by all order by all"
    ) == [
        ("_unused_sp", Decimal("0.0039"), Decimal(0)),
        ("a-plan", Decimal(0), Decimal("0.0039")),
    ]


def test_number_8_thirds(company: Company) -> None:
    assert company.rows(
        "select lyft_label, proportion from marts.attribution_schedule"
        " where sub_platform = 'thirds' order by all"
    ) == [
        ("api", Decimal("0.3333333334")),
        ("eta", Decimal("0.3333333333")),
        ("web", Decimal("0.3333333333")),
    ]
    assert sum(_split(company, "thirds").values()) == Decimal(3)
