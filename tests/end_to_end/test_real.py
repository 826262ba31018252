"""Real input: a month of a real bill, a real hour of four clusters, and AWS's published example."""

import csv
import gzip
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from tests.end_to_end.companies import ROOT, TEAM, WITHOUT_UNIT_TESTS, Company, built, company_in
from tests.end_to_end.reckoning import shares, ten_digits
from tests.loaders.bills import deliver_legacy
from tests.loaders.collections import collect

pytestmark = pytest.mark.thorough

FIXTURES = ROOT / "tests" / "fixtures"
REPORT = gzip.decompress((FIXTURES / "daily_report.csv.gz").read_bytes())
CLUSTERS = ("dev-usw2a", "dev-usw2b", "stage-usw2a", "prod-usw2a")

# AWS's split cost allocation example: an m5.xlarge of 4 vCPU and 16 GB, and what pods request.
NODE = {"cpu": 4, "memory": 16}
PODS = {"one": (1, 4), "two": (1, 4), "three": (1, 2), "four": (1, 2)}

# Who pushed how much usage of the buckets in which hours of 2023-11-03, from and until.
PUSHED = (("api", "1", 0, 12), ("web", "2", 0, 12), ("api", "3", 12, 24))


@pytest.fixture(scope="module")
def hour() -> list[dict[str, str]]:
    with (FIXTURES / "kubernetes_hour.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def real(
    tmp_path_factory: pytest.TempPathFactory, project: Path, hour: list[dict[str, str]]
) -> Company:
    company = company_in(tmp_path_factory.mktemp("real"), project)
    deliver_legacy(company.bill, REPORT, report="daily", period="20231101-20231201")
    for cluster in CLUSTERS:
        _collect(company, cluster, [row for row in hour if row["Cluster"] == cluster])
    _collect_example(company)
    _push(company, hour)
    company.declare(
        teams=[TEAM],
        platforms=[
            {
                "platform": platform,
                "sub_platform": sub_platform,
                "schedule_source": source,
                "cost_model": cost_model,
                "pool_by": "sub_platform",
                "owner": TEAM["team"],
            }
            for platform, sub_platforms, source, cost_model in (
                ("k8s", (*CLUSTERS, "example"), "kubernetes", "cpu"),
                ("pushed", CLUSTERS, "pushed", "usage"),
                ("buckets", ("all",), "pushed", "usage"),
            )
            for sub_platform in sub_platforms
        ],
        platform_resources=[
            {"platform": "buckets", "sub_platform": "all", "product": "AmazonS3"},
            {
                "platform": "k8s",
                "sub_platform": "example",
                "lyft_label": "example",
                "cost_model": "memory",
            },
        ],
    )
    return built(company, *WITHOUT_UNIT_TESTS)


def _collect(company: Company, cluster: str, namespaces: list[dict[str, str]]) -> None:
    """Collects the real hour as the tracker would: a container per namespace, one node."""
    at = "2019-01-17 11:00"
    collect(
        company.kubernetes,
        cluster=cluster,
        first=at,
        end="2019-01-17 12:00",
        rows={
            "container_hours": [
                {
                    "usage_hour": at,
                    "node": "node",
                    "instance_type": "c5.xlarge",
                    "namespace": row["Namespace"],
                    "pod": row["Namespace"],
                    "uid": row["Namespace"],
                    "container": "main",
                    "running_hours": 1,
                    "cpu_request_core_hours": float(row["RequestsCPUCores"]),
                    "cpu_usage_core_hours": float(row["UsedCPUCores"]),
                }
                for row in namespaces
            ],
            "node_hours": [
                {
                    "usage_hour": at,
                    "node": "node",
                    "instance_type": "c5.xlarge",
                    "cpu_capacity_core_hours": float(namespaces[0]["ClusterCPUCores"]),
                }
            ],
            "scrape_hours": [{"usage_hour": at, "samples": 60, "expected_samples": 60}],
        },
    )


def _collect_example(company: Company) -> None:
    """Collects the hour of AWS's example."""
    at = "2023-11-03 11:00"
    collect(
        company.kubernetes,
        cluster="example",
        first=at,
        end="2023-11-03 12:00",
        rows={
            "container_hours": [
                {
                    "usage_hour": at,
                    "node": "node",
                    "instance_type": "m5.xlarge",
                    "namespace": name,
                    "pod": name,
                    "uid": name,
                    "container": "main",
                    "running_hours": 1,
                    "cpu_request_core_hours": cpu,
                    "memory_request_gib_hours": memory,
                }
                for name, (cpu, memory) in PODS.items()
            ],
            "node_hours": [
                {
                    "usage_hour": at,
                    "node": "node",
                    "instance_type": "m5.xlarge",
                    "cpu_capacity_core_hours": NODE["cpu"],
                    "memory_capacity_gib_hours": NODE["memory"],
                }
            ],
            "scrape_hours": [{"usage_hour": at, "samples": 60, "expected_samples": 60}],
        },
    )


def _push(company: Company, hour: list[dict[str, str]]) -> None:
    """Publishes the real hour as usage with `free`, and a day's usage of the buckets."""
    lines = [
        f"2019-01-17T11:00:00Z,pushed,{row['Cluster']},{row['Namespace']},{row['RequestsCPUCores']}"
        for row in hour
    ]
    for cluster, (held, capacity) in _clusters(hour).items():
        free = capacity - sum(held.values())
        lines.append(f"2019-01-17T11:00:00Z,pushed,{cluster},free,{float(free)!r}")
    _publish(company, "pushed", lines)
    _publish(
        company,
        "buckets",
        [
            f"2023-11-03T{at:02}:00:00Z,buckets,all,{label},{usage}"
            for label, usage, first, until in PUSHED
            for at in range(first, until)
        ],
    )


def _publish(company: Company, platform: str, lines: list[str]) -> None:
    folder = company.platforms / platform
    folder.mkdir(parents=True)
    header = "usage_hour,platform,sub_platform,lyft_label,usage"
    (folder / "usage.csv").write_text("\n".join([header, *lines, ""]))


def _clusters(hour: list[dict[str, str]]) -> dict[str, tuple[dict[str, Fraction], Fraction]]:
    """Cluster -> what each namespace requested, and the capacity, both in cores."""
    held: dict[str, dict[str, Fraction]] = defaultdict(dict)
    capacity = {}
    for row in hour:
        held[row["Cluster"]][row["Namespace"]] = ten_digits(row["RequestsCPUCores"])
        capacity[row["Cluster"]] = ten_digits(row["ClusterCPUCores"])
    return {cluster: (held[cluster], capacity[cluster]) for cluster in capacity}


def _schedule(company: Company, platform: str, where: str) -> dict[str, dict[str, Decimal]]:
    """Sub-platform -> label -> proportion, of one hour."""
    found: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for sub_platform, label, proportion in company.rows(
        "select sub_platform, lyft_label, proportion from marts.attribution_schedule"
        f" where platform = '{platform}' and interval_hours = 1 and {where}"
    ):
        found[sub_platform][label] = proportion
    return dict(found)


def _dollars(company: Company, where: str) -> dict[tuple[str, str], Decimal]:
    """(Label, basis) -> spend."""
    return {
        (label, basis): spend
        for label, basis, spend in company.rows(
            "select lyft_label, basis, sum(spend) from marts.enriched_spend"
            f" where {where} group by all"
        )
    }


def test_the_bill_comes_out_as_it_went_in(real: Company) -> None:
    lines = list(csv.DictReader(REPORT.decode().splitlines()))
    invoice = sum(Decimal(line["lineItem/UnblendedCost"]) for line in lines)

    assert (len(lines), invoice) == (1281, Decimal("1.6823086974"))
    assert real.one("select sum(true_cost) from marts.true_cost") == invoice
    assert real.one("select sum(spend) from marts.enriched_spend") == invoice
    assert dict(
        real.rows("select bridge_item, amount from marts.invoice_bridge where amount <> 0")
    ) == {"invoice": invoice, "true_cost": invoice}


def test_a_daily_report_has_days(real: Company) -> None:
    assert real.rows(
        "select distinct hour(usage_hour), minute(usage_hour), second(usage_hour)"
        " from marts.true_cost"
    ) == [(0, 0, 0)]
    assert real.one("select count(distinct usage_hour) from marts.true_cost") == 14


def test_tax_is_a_period_charge_and_nothing_else_is(real: Company) -> None:
    assert sorted(
        real.rows("select distinct charge_class, is_period_charge from marts.true_cost")
    ) == [("tax", True), ("usage", False)]


@pytest.mark.parametrize("platform", ["k8s", "pushed"])
def test_the_real_hour_has_the_shares_of_its_requests(
    real: Company, hour: list[dict[str, str]], platform: str
) -> None:
    found = _schedule(real, platform, "usage_hour = '2019-01-17 11:00' and capacity_pool = 'all'")
    assert found == {
        cluster: shares(held, capacity) for cluster, (held, capacity) in _clusters(hour).items()
    }


def test_the_real_hour_is_as_full_as_was_published(real: Company) -> None:
    found = _schedule(real, "k8s", "usage_hour = '2019-01-17 11:00'")
    requested = {cluster: round(1 - found[cluster]["free"], 3) for cluster in CLUSTERS}
    assert requested == {
        "dev-usw2a": Decimal("0.556"),
        "dev-usw2b": Decimal("0.843"),
        "prod-usw2a": Decimal("0.700"),
        "stage-usw2a": Decimal("0.643"),
    }


def test_the_hour_of_awss_example_under_requests(real: Company) -> None:
    at = "usage_hour = '2023-11-03 11:00'"
    quarter, eighth = Decimal("0.25"), Decimal("0.125")
    assert _schedule(real, "k8s", f"{at} and cost_model = 'cpu'")["example"] == {
        "one": quarter, "two": quarter, "three": quarter, "four": quarter,
    }  # fmt: skip
    assert _schedule(real, "k8s", f"{at} and cost_model = 'memory'")["example"] == {
        "one": quarter, "two": quarter, "three": eighth, "four": eighth, "free": quarter,
    }  # fmt: skip


def test_a_day_of_the_bill_is_split_by_the_usage_of_its_hours(real: Company) -> None:
    # Twelve hours of 1 and twelve of 3 are 48 of api's, twelve of 2 are 24 of web's: the day cost
    # 0.0320753534. The next day only knows the last hour, which was api's alone.
    cost = Decimal("0.0320753534")
    day = "product = 'AmazonS3' and charge_class = 'usage' and usage_hour ="
    assert _dollars(real, f"{day} '2023-11-03'") == {
        ("api", "pushed"): cost * Decimal("0.6666666667"),
        ("web", "pushed"): cost * Decimal("0.3333333333"),
    }
    assert _dollars(real, f"{day} '2023-11-04'") == {
        ("api", "carried_forward"): Decimal("0.1241588841")
    }
    assert _dollars(real, f"{day} '2023-11-05'") == {
        ("unlabeled", "unattributed"): Decimal("0.0275654545")
    }


def test_a_month_of_tax_stays_unattributed_where_nobody_knows(real: Company) -> None:
    # The bill has 14 days; of their 336 hours 24 were pushed and 24 carried. In the 48 the weights
    # of api are 48 + 24 * 3 = 120 and those of web 24.
    known = Fraction(48, 336)
    expected = shares(
        {
            "api": known * Fraction(120, 144),
            "web": known * Fraction(24, 144),
            "unlabeled": 1 - known,
        }
    )
    found = _dollars(real, "product = 'AmazonS3' and charge_class = 'tax'")
    assert found == {
        ("api", "carried_forward"): Decimal("0.07") * expected["api"],
        ("web", "carried_forward"): Decimal("0.07") * expected["web"],
        ("unlabeled", "unattributed"): Decimal("0.07") * expected["unlabeled"],
    }
