"""What a real Prometheus did not tell is unknown in the marts, and never 0."""

from decimal import Decimal

import pytest

from tests.end_to_end.companies import ROOT, TEAM, WITHOUT_UNIT_TESTS, Company, built
from tests.loaders.bills import charge, deliver_legacy, text_of
from tests.tracker.reading import collect, source

# Sub-platform -> the cluster that it is on the server, and what it is split by.
CLUSTERS = {
    "by-use": ("no-cadvisor", "usage"),
    "by-either": ("no-cadvisor", "usage_or_request"),
    "windows": ("windows", "request"),
}
HOURS = [f"2026-11-01T{number:02}:00:00Z" for number in range(4)]


@pytest.fixture(scope="module")
def company(server: str, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Every cluster costs a dollar an hour."""
    company = Company(tmp_path_factory.mktemp("unknown"), ROOT)
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
                    lineItem__UnblendedCost="1.0000000000",
                )
                | {"resourceTags/user:cluster": name}
                for name in CLUSTERS
                for start, end in zip(HOURS[:-1], HOURS[1:], strict=True)
            ]
        ),
        period="20261101-20261201",
    )
    for name, (cluster, _) in CLUSTERS.items():
        hours = 1 if cluster == "windows" else 3
        collect(source(server, name, match={"cluster": cluster}), company.kubernetes, hours)
    company.declare(
        label_rules=[
            {
                "rule_order": "10",
                "match_on": "tag",
                "match_key": "user_cluster",
                "match_type": "present",
                "lyft_label": "{value}",
            }
        ],
        teams=[TEAM],
        platforms=[
            {
                "platform": "k8s",
                "sub_platform": name,
                "schedule_source": "kubernetes",
                "cost_model": "cpu",
                "allocation_base": base,
                "pool_by": "sub_platform",
                "owner": TEAM["team"],
            }
            for name, (_, base) in CLUSTERS.items()
        ],
        platform_resources=[
            {"platform": "k8s", "sub_platform": name, "lyft_label": name} for name in CLUSTERS
        ],
    )
    return built(company, *WITHOUT_UNIT_TESTS)


def spend_of(company: Company, name: str) -> list[tuple[int, str, str, Decimal]]:
    return company.rows(
        "select hour(usage_hour), lyft_label, basis, round(spend, 6) from marts.enriched_spend"
        f" where sub_platform = '{name}' order by all"
    )


def test_an_hour_without_any_cadvisor_takes_the_next_step_of_the_ladder(company: Company) -> None:
    assert spend_of(company, "by-use") == [
        (hour, label, "interpolated" if hour == 1 else "measured", Decimal(part))
        for hour in range(3)
        for label, part in (("api", "0.5"), ("etl", "0.25"), ("free", "0.25"))
    ]
    assert company.rows(
        "select expected, measured, interpolated, base_unknown, spend_at_stake"
        " from marts.platform_health where sub_platform = 'by-use'"
    ) == [(3, 2, 1, 1, 1)]


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
