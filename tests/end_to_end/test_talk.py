"""The tables of the talk (KubeCon NA 2019), from files, by the commands that a user types.

The slide drops the dollar of some-other-cluster and writes cluster-1 on a row of 1 PM; here the
dollar is kept and the row is cluster-0's: 4.00 in, 4.00 out.
"""

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from tests.command_line.process import run
from tests.end_to_end.companies import TEAM, Company, company_in
from tests.loaders.bills import charge, deliver_legacy, text_of

ONE_PM, TWO_PM = "2019-11-19T13:00:00Z", "2019-11-19T14:00:00Z"
HOURS = {ONE_PM: TWO_PM, TWO_PM: "2019-11-19T15:00:00Z"}

SPEND = [
    (ONE_PM, "cluster-0", "1.00"),
    (TWO_PM, "cluster-1", "2.00"),
    (TWO_PM, "some-other-cluster", "1.00"),
]
SCHEDULE = """\
usage_hour,platform,sub_platform,lyft_label,proportion
2019-11-19T13:00:00Z,k8s,cluster-0,free,0.5
2019-11-19T13:00:00Z,k8s,cluster-0,our-first-service,0.3
2019-11-19T13:00:00Z,k8s,cluster-0,our-second-service,0.2
2019-11-19T14:00:00Z,k8s,cluster-1,free,0.1
2019-11-19T14:00:00Z,k8s,cluster-1,our-first-service,0.9
"""
CLUSTERS = ("cluster-0", "cluster-1")


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Company:
    """The company of the slides: delivered, declared, landed and built."""
    company = company_in(tmp_path_factory.mktemp("talk"), project)
    _deliver(company)
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
                "sub_platform": cluster,
                "schedule_source": "ready_made",
                "cost_model": "usage",
                "owner": TEAM["team"],
                "carry_hours": "0",
            }
            for cluster in CLUSTERS
        ],
        platform_resources=[
            {"platform": "k8s", "sub_platform": cluster, "lyft_label": cluster}
            for cluster in CLUSTERS
        ],
    )
    seeds = _contents(company.seeds)
    for arguments in (
        ("load", "aws-cur", "--from", company.bill, "--seeds", company.seeds.name),
        ("load", "platforms", "--from", company.platforms),
        ("build", "--seeds", company.seeds.name),
    ):
        done = run(*arguments, "--warehouse", company.warehouse, cwd=company.root)
        assert done.returncode == 0, done.stderr
    assert f"build: seeds in {company.seeds.resolve()}\n" in done.stdout
    assert _contents(company.seeds) == seeds
    return company


def _deliver(company: Company) -> None:
    lines = [
        dict(
            charge(
                identity__TimeInterval=f"{hour}/{HOURS[hour]}",
                bill__BillingPeriodStartDate="2019-11-01T00:00:00.000Z",
                lineItem__UsageStartDate=hour,
                lineItem__UsageEndDate=HOURS[hour],
                lineItem__ProductCode="EC2",
                lineItem__UnblendedCost=cost,
            )
        )
        | {"resourceTags/user:cluster": cluster}
        for hour, cluster, cost in SPEND
    ]
    deliver_legacy(company.bill, text_of(lines), period="20191101-20191201")
    folder = company.platforms / "k8s"
    folder.mkdir(parents=True)
    (folder / "schedule.csv").write_text(SCHEDULE)


def _contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_the_attribution_schedule_of_the_slide(talk: Company) -> None:
    assert talk.rows(
        "select hour(usage_hour), sub_platform, lyft_label, proportion, basis"
        " from marts.attribution_schedule where lyft_label <> 'unattributed' order by all"
    ) == [
        (13, "cluster-0", "free", Decimal("0.5"), "ready_made"),
        (13, "cluster-0", "our-first-service", Decimal("0.3"), "ready_made"),
        (13, "cluster-0", "our-second-service", Decimal("0.2"), "ready_made"),
        (14, "cluster-1", "free", Decimal("0.1"), "ready_made"),
        (14, "cluster-1", "our-first-service", Decimal("0.9"), "ready_made"),
    ]


def test_the_enriched_spend_of_the_slide_and_the_dollar_that_it_drops(talk: Company) -> None:
    assert talk.rows(
        "select hour(usage_hour), spend_label, product, spend"
        " from marts.enriched_spend order by all"
    ) == [
        (13, "free (k8s: cluster-0)", "EC2", Decimal("0.50")),
        (13, "our-first-service (k8s: cluster-0)", "EC2", Decimal("0.30")),
        (13, "our-second-service (k8s: cluster-0)", "EC2", Decimal("0.20")),
        (14, "free (k8s: cluster-1)", "EC2", Decimal("0.20")),
        (14, "our-first-service (k8s: cluster-1)", "EC2", Decimal("1.80")),
        (14, "some-other-cluster", "EC2", Decimal("1.00")),
    ]


def test_four_dollars_in_and_four_dollars_out(talk: Company) -> None:
    four = Decimal("4.00")
    assert talk.one("select sum(true_cost) from marts.true_cost") == four
    assert talk.one("select sum(spend) from marts.enriched_spend") == four
    assert talk.one("select sum(spend) from marts.daily_spend") == four


def test_unallocated_capacity_has_a_price(talk: Company) -> None:
    assert talk.rows(
        "select sub_platform, spend, free_spend, free_share from marts.unallocated_capacity"
        " order by all"
    ) == [
        ("cluster-0", Decimal("1.00"), Decimal("0.50"), Decimal("0.5")),
        ("cluster-1", Decimal("2.00"), Decimal("0.20"), Decimal("0.1")),
    ]


@pytest.mark.thorough
def test_the_next_build_needs_no_seeds_to_be_named(talk: Company, tmp_path: Path) -> None:
    warehouse = shutil.copy(talk.warehouse, tmp_path / "copy.duckdb")

    done = run("build", "--select", "teams", "--warehouse", warehouse, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert f"build: seeds in {talk.seeds.resolve()} (as in the last build)\n" in done.stdout
