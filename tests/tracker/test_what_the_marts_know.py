"""From a real Prometheus to the marts: what is not known is never 0, and labels are found."""

from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from infraspend.builder import BuildResult
from infraspend.builder.seeds import SEED_COLUMNS
from tests.end_to_end.companies import TEAM, WITHOUT_UNIT_TESTS, Company, company_in
from tests.loaders.bills import charge, deliver_legacy, text_of
from tests.tracker.reading import collect, source

pytestmark = pytest.mark.thorough

# Sub-platform -> the cluster that it is on the server, and how it is split.
CLUSTERS = {
    "by-use": ("no-cadvisor", {"allocation_base": "usage"}),
    "by-either": ("no-cadvisor", {"allocation_base": "usage_or_request"}),
    "windows": ("windows", {}),
    "kubeflow": ("kubeflow", {}),
    "mixed": ("mixed", {}),
    "passed-on": ("passed-on", {"pool_by": "instance_type"}),
    "passed-on-by-node": ("passed-on", {"pool_by": "node"}),
    "host-network": ("host-network", {"cost_model": "network"}),
    "traffic-away": ("traffic-away", {"cost_model": "network"}),
    "pods-away": ("pods-away", {}),
    "gpus-by-use": ("gpu-unmeasured", {"cost_model": "weighted", "allocation_base": "usage"}),
    "gpus-by-either": (
        "gpu-unmeasured",
        {"cost_model": "gpu", "allocation_base": "usage_or_request"},
    ),
    "shards": ("shards", {}),
}
OF_THREE_HOURS = ("no-cadvisor", "pods-away")
# Sub-platform -> its charges in an hour: what the machines cost; a dollar for the others.
CHARGES = {
    "passed-on": [
        {"lineItem/UnblendedCost": "4.50", "product/instanceType": "m5.xlarge"},
        {"lineItem/UnblendedCost": "1.50", "product/instanceType": "m5.4xlarge"},
    ],
    # They are billed alike but for what they are.
    "passed-on-by-node": [
        {
            "lineItem/UnblendedCost": cost,
            "pricing/publicOnDemandCost": cost,
            "lineItem/ResourceId": one,
        }
        for one, cost in (("i-0aaa", "4.50"), ("i-0bbb", "1.50"))
    ],
}
# Keys as Kubernetes writes them, whatever kube-state-metrics made of them.
RULES = (
    ("10", "tag", "user_cluster", "present", "", "{value}"),
    ("20", "pod_label", "notebook-name", "present", "", "notebook-{value}"),
    ("30", "pod_label", "serving.kserve.io/inferenceservice", "equals", "eta", "serving-eta"),
    ("40", "pod_label", "pipeline/runid", "present", "", "{value}"),
    ("50", "pod_label", "workflows.argoproj.io/workflow", "present", "", "{value}"),
    ("60", "pod_label", "katib.kubeflow.org/experiment", "regex", "^(tune)$", "katib-{1}"),
    ("70", "namespace_label", "costCenter", "present", "", "{value}"),
    ("80", "pod_label", "notebok-name", "present", "", "{value}"),
)
HOURS = [f"2026-11-01T{number:02}:00:00Z" for number in range(4)]


@pytest.fixture(scope="module")
def built(
    server: str, tmp_path_factory: pytest.TempPathFactory, project: Path
) -> tuple[Company, BuildResult]:
    company = company_in(tmp_path_factory.mktemp("marts"), project)
    deliver_legacy(
        company.bill,
        text_of(
            [
                charge(
                    identity__TimeInterval=f"{start}/{end}",
                    bill__BillingPeriodStartDate="2026-11-01T00:00:00.000Z",
                    lineItem__UsageStartDate=start,
                    lineItem__UsageEndDate=end,
                    lineItem__ProductCode="AmazonEC2",
                    lineItem__UnblendedCost="1",
                    product__instanceType="",
                    pricing__publicOnDemandCost="1",
                    lineItem__ResourceId="",
                )
                | {"resourceTags/user:cluster": name}
                | one
                for name in CLUSTERS
                for start, end in pairwise(HOURS)
                for one in CHARGES.get(name, [{}])
            ]
        ),
        period="20261101-20261201",
    )
    for name, (cluster, _) in CLUSTERS.items():
        hours = 3 if cluster in OF_THREE_HOURS else 1
        collect(source(server, name, match={"cluster": cluster}), company.kubernetes, hours)
    company.declare(
        label_rules=[
            dict(zip(SEED_COLUMNS["label_rules"], (*rule, "", ""), strict=True)) for rule in RULES
        ],
        teams=[TEAM],
        platforms=[
            {
                "platform": "k8s",
                "sub_platform": name,
                "schedule_source": "kubernetes",
                "cost_model": "cpu",
                "pool_by": "sub_platform",
                "owner": TEAM["team"],
                **split,
            }
            for name, (_, split) in CLUSTERS.items()
        ],
        platform_resources=[
            {"platform": "k8s", "sub_platform": name, "lyft_label": name} for name in CLUSTERS
        ],
    )
    company.load()
    result = company.build(*WITHOUT_UNIT_TESTS)
    assert result.succeeded, "\n".join(result.failures)
    return company, result


@pytest.fixture(scope="module")
def company(built: tuple[Company, BuildResult]) -> Company:
    return built[0]


def spend_of(company: Company, name: str) -> list[tuple[int, str, str, Decimal]]:
    return company.rows(
        "select hour(usage_hour), lyft_label, basis, round(spend, 6) from marts.enriched_spend"
        f" where sub_platform = '{name}' order by all"
    )


def test_an_hour_without_any_cadvisor_takes_the_next_tier(company: Company) -> None:
    assert spend_of(company, "by-use") == [
        (hour, label, "interpolated" if hour == 1 else "measured", Decimal(part))
        for hour in range(3)
        for label, part in (("api", "0.5"), ("etl", "0.25"), ("free", "0.25"))
    ]
    assert company.rows(
        "select expected, measured, interpolated, base_unknown, unknown_resources, spend_at_stake"
        " from marts.platform_health where sub_platform = 'by-use'"
    ) == [(3, 2, 1, 1, "cpu", 1)]


def test_a_cluster_that_was_scraped_and_named_no_pod_is_not_free(company: Company) -> None:
    assert spend_of(company, "pods-away") == [
        (hour, label, "interpolated" if hour == 1 else "measured", Decimal("0.5"))
        for hour in range(3)
        for label in ("api", "free")
    ]
    assert company.rows(
        "select base_unknown, unknown_resources from marts.platform_health"
        " where sub_platform = 'pods-away'"
    ) == [(1, "cpu")]


def test_gpus_whose_use_nobody_measures_are_not_split_by_what_was_asked_for(
    company: Company,
) -> None:
    # Nobody measures CPU and memory here either; requests stand for use only where it says so.
    assert spend_of(company, "gpus-by-use")[:1] == [(0, "gpus-by-use", "unattributed", 1)]
    assert company.rows(
        "select base_unknown, unknown_resources from marts.platform_health"
        " where sub_platform = 'gpus-by-use'"
    ) == [(1, "cpu, gpu, memory")]
    assert spend_of(company, "gpus-by-either")[:2] == [
        (0, label, "measured", Decimal("0.5")) for label in ("api", "free")
    ]


def test_requests_stand_for_use_where_the_owner_says_so(company: Company) -> None:
    by_hour = {0: ("0.5", "0.25", "0.25"), 1: ("0.25", "0.25", "0.5"), 2: ("0.5", "0.25", "0.25")}
    assert spend_of(company, "by-either") == [
        (hour, label, "measured", Decimal(part))
        for hour, parts in by_hour.items()
        for label, part in zip(("api", "etl", "free"), parts, strict=True)
    ]


def test_use_that_nobody_exports_is_unknown_with_its_dollars(company: Company) -> None:
    """Windows nodes: requests 2, use not exported."""
    assert company.rows(
        "select namespace, round(cpu_request_core_hours, 6), round(cpu_usage_core_hours, 6),"
        " suggested_request_cores is null, round(spend, 6), round(idle_spend, 6),"
        " round(unmeasured_spend, 6)"
        " from marts.kubernetes_efficiency where cluster = 'windows' order by all"
    ) == [
        ("linux", 1, Decimal("0.5"), False, Decimal("0.25"), Decimal("0.125"), 0),
        ("windows", 2, None, True, Decimal("0.5"), None, Decimal("0.5")),
    ]
    assert company.rows(
        "select namespace, round(idle_spend, 6), round(unmeasured_spend, 6)"
        " from marts.workload_spend where sub_platform = 'windows' and workload_name is not null"
        " order by all"
    ) == [("linux", Decimal("0.125"), 0), ("windows", None, Decimal("0.5"))]


def test_what_is_used_of_a_part_of_a_namespace_is_not_shown_as_the_whole(company: Company) -> None:
    """A namespace with a pod on Linux and one on Windows: requests 3, use not known."""
    assert company.rows(
        "select namespace, round(cpu_request_core_hours, 6), cpu_usage_core_hours,"
        " suggested_request_cores, round(spend, 6), round(idle_spend, 6),"
        " round(unmeasured_spend, 6) from marts.kubernetes_efficiency where cluster = 'mixed'"
    ) == [("api", 3, None, None, Decimal("0.75"), Decimal("0.125"), Decimal("0.5"))]


def test_kubeflow_work_is_found_by_the_labels_that_kubernetes_writes(company: Company) -> None:
    assert company.rows(
        "select lyft_label, namespace, notebook, inference_service, pipeline_run, experiment,"
        " trial, round(spend, 6) from marts.workload_spend"
        " where sub_platform = 'kubeflow' and workload_name is not null order by all"
    ) == [
        ("katib-tune", "tuning", None, None, None, "tune", "tune-1", Decimal("0.125")),
        ("nightly-y", "flows", None, None, "nightly-y", None, None, Decimal("0.125")),
        ("notebook-explore", "alice", "explore", None, None, None, None, Decimal("0.125")),
        ("retail", "shop", None, None, None, None, None, Decimal("0.125")),
        ("run-7", "flows", None, None, "run-7", None, None, Decimal("0.125")),
        ("serving-eta", "serving", None, "eta", None, None, None, Decimal("0.125")),
    ]


def test_a_rule_that_named_nothing_all_month_is_warned_about(
    built: tuple[Company, BuildResult],
) -> None:
    _, result = built
    messages = [one for one in result.warnings if one.startswith("label_rules_find_something")]
    assert len(messages) == 1
    assert "found 1, the first: rule_order=80" in messages[0]


@pytest.mark.parametrize(
    ("sub_platform", "pools"),
    [("passed-on", ("m5.4xlarge", "m5.xlarge")), ("passed-on-by-node", ("i-0bbb", "i-0aaa"))],
)
def test_a_name_that_passed_on_to_another_machine_is_two_nodes(
    company: Company, sub_platform: str, pools: tuple[str, str]
) -> None:
    assert company.rows(
        "select lyft_label, capacity_pool, sum(spend)::decimal(9, 2) from marts.enriched_spend"
        f" where sub_platform = '{sub_platform}' and hour(usage_hour) = 0"
        " group by all order by all"
    ) == [("after", pools[0], Decimal("1.50")), ("before", pools[1], Decimal("4.50"))]


def test_pods_of_a_shard_that_was_away_for_a_while_weigh_what_they_ask_for(
    company: Company,
) -> None:
    """They ask for 4 of 24 cores all hour and for 1 in 5 of 40 scrapes, the other shard's for 1."""
    assert company.rows(
        "select lyft_label, basis, round(proportion * 24, 6) from marts.attribution_schedule"
        " where sub_platform = 'shards' and hour(usage_hour) = 0 and interval_hours = 1"
        " and capacity_pool = 'all' order by all"
    ) == [("api", "measured", Decimal("5.125")), ("free", "measured", Decimal("18.875"))]


def test_a_node_s_traffic_is_nobody_s_own(company: Company) -> None:
    ((share,),) = company.rows(
        "select proportion from marts.attribution_schedule where sub_platform = 'host-network'"
        " and lyft_label = 'web' and hour(usage_hour) = 0 and interval_hours = 1"
    )
    # At least 10 of 110 GiB; what the others moved is not known.
    assert share == 1


def test_traffic_of_a_node_whose_kubelet_was_away_is_not_nothing(company: Company) -> None:
    assert spend_of(company, "traffic-away")[:1] == [(0, "traffic-away", "unattributed", 1)]
    assert company.rows(
        "select base_unknown, unknown_resources from marts.platform_health"
        " where sub_platform = 'traffic-away'"
    ) == [(1, "network")]
