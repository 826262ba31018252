"""The company of `tests/fixtures/company`, by the loaders and the build to its marts.

Every expected number is worked out by hand, in the comment beside it, from what the company's
README says that things cost. April has 48 hours and May has 48; `node-1` runs in 46 and in 44.
"""

import csv
import io
import json
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest
from rich.console import Console

from infraspend.builder import BuildResult
from infraspend.builder.building import explained_percentage
from infraspend.loaders.errors import InfraspendError
from infraspend.publishers.explanation import (
    Change,
    as_csv,
    as_json,
    change_between,
    explain,
    print_explanation,
)
from tests.end_to_end.companies import Company

APRIL, MAY = "2026-04", "2026-05"


@pytest.fixture(scope="module")
def result(fixture_company: tuple[Company, BuildResult]) -> BuildResult:
    """How its build went."""
    return fixture_company[1]


@pytest.fixture(scope="module")
def company(fixture_company: tuple[Company, BuildResult]) -> Company:
    """The company, built."""
    company, result = fixture_company
    assert result.succeeded, "\n".join(result.failures)
    return company


def by_label(company: Company, sql: str) -> dict[str, Decimal]:
    """Label -> amount, of those that are not 0."""
    return {label: amount for label, amount in company.rows(sql) if amount}


def decimals(amounts: Mapping[str, str]) -> dict[str, Decimal]:
    return {name: Decimal(text) for name, text in amounts.items()}


def shares(company: Company, sub_platform: str, hour: str, pool: str = "all") -> dict[str, Decimal]:
    """Label -> its proportion of an hour, by the platform's own cost model."""
    return by_label(
        company,
        "select lyft_label, proportion from marts.attribution_schedule"
        f" where sub_platform = '{sub_platform}' and usage_hour = '{hour}'"
        f" and capacity_pool = '{pool}' and cost_model <> 'storage' and interval_hours = 1",
    )


def test_every_data_test_passes_and_none_warns(company: Company, result: BuildResult) -> None:
    assert result.tests > 200
    assert result.warnings == ()
    assert explained_percentage(company.warehouse) == 100


def test_every_mart_has_rows_but_those_about_second_deliveries_and_focus(company: Company) -> None:
    marts = company.rows("select table_name from duckdb_tables() where schema_name = 'marts'")

    empty = [mart for (mart,) in marts if not company.one(f"select count(*) from marts.{mart}")]
    assert len(marts) > 10
    assert sorted(empty) == ["focus_bridge", "restatements"]


TRUE_COSTS = {
    APRIL: {
        # Of a reserved m5.xlarge (0.11) and web's m5.large (0.10), 0.21, each pays 0.7 of its list
        # price: 0.14 of 0.20. 46 hours of that, 48 of node-2 at 0.16, 2 days of volumes at 0.40.
        "main": "14.92",
        # 46 hours at 0.7 of 0.10, 2 without anybody to share with at 0.10, and for 2 days nine
        # tenths of 0.50 for the bucket: 3.22 + 0.20 + 0.90.
        "web": "4.32",
        # Nine tenths of 0.30, 2 days.
        "spark": "0.54",
        # 2 days of 4 hours at 0.12.
        "jobs": "0.96",
        # 2 days of 3 hours at 0.03.
        "reports": "0.18",
        # 2 days of 2 hours at 1.20.
        "redshift": "4.80",
        # 2 days of 2 hours at 0.05.
        "unlabeled": "0.20",
        # Tax 3.00 and support 10.00, less a credit of 1.00.
        "overhead": "12.00",
        # The reservation in the 2 hours before node-1 came.
        "_unused_ri": "0.22",
    },
    MAY: {
        # 44 hours at 0.14, 48 at 0.16, 2 days at 0.40.
        "main": "14.64",
        # 44 hours at 0.07, 4 at 0.10, 0.90 for the bucket, less a refund of 0.50.
        "web": "3.88",
        "spark": "0.54",
        # 4 hours at 0.12 and, under the savings plan, 4 at 0.08.
        "jobs": "0.80",
        "reports": "0.18",
        "redshift": "4.80",
        # The rule for the table begins on the second day.
        "unlabeled": "0.10",
        "experiments": "0.10",
        # No credit.
        "overhead": "13.00",
        # The 4 hours of node-1's repair at 0.11.
        "_unused_ri": "0.44",
        # 20 hours at 0.10 and 4 at what is left of it, 0.02.
        "_unused_sp": "2.08",
    },
}


@pytest.mark.parametrize("month", [APRIL, MAY])
def test_true_cost_of_each_label(company: Company, month: str) -> None:
    assert by_label(
        company,
        "select lyft_label, sum(true_cost) from marts.true_cost"
        f" where billing_period = '{month}' group by lyft_label",
    ) == decimals(TRUE_COSTS[month])


BRIDGES = {
    APRIL: {
        # 48 hours of node-2 at 0.16 and of web at 0.10 are 12.48; jobs 0.96, reports 0.18, table
        # 0.20, Redshift 4.80, storage 2.40 less 0.16, overhead 12.00; for the reservation 438.00
        # and 48 hours at 0.06.
        "invoice": "473.74",
        # 46 hours at 0.11.
        "ri_used": "5.06",
        "ri_upfront_fee": "-438.00",
        # What 2 hours did not use, 0.22, instead of the fee of 2.88.
        "ri_recurring_fee": "-2.66",
        "true_cost": "38.14",
    },
    MAY: {
        # Less than April by the upfront fee, by 0.48 that the plan covers and 0.50 of the refund,
        # and more by 1.00 without the credit, 350.40 for the plan and 24 hours of it at 0.06.
        "invoice": "387.60",
        # 44 hours at 0.11.
        "ri_used": "4.84",
        # 4 hours of 0.08 instead of 0.12, and the negation of these.
        "sp_used": "-0.16",
        "sp_negation": "0.48",
        "sp_upfront_fee": "-350.40",
        # Unused 0.44 instead of 2.88, and 2.08 instead of 1.44.
        "ri_recurring_fee": "-2.44",
        "sp_recurring_fee": "0.64",
        "true_cost": "40.56",
    },
}


@pytest.mark.parametrize("month", [APRIL, MAY])
def test_the_bridge_from_the_invoice_closes(company: Company, month: str) -> None:
    assert by_label(
        company,
        f"select bridge_item, amount from marts.invoice_bridge where billing_period = '{month}'",
    ) == decimals(BRIDGES[month])


def test_an_hour_of_node_1(company: Company) -> None:
    # Of 4 cores web requests 2, spark 1 and kube-system 0.4.
    assert shares(company, "main", "2026-05-01 12:00", "m5.xlarge") == decimals(
        {"web": "0.5", "spark": "0.25", "kubernetes-system": "0.1", "free": "0.15"}
    )


def test_an_hour_that_nobody_scraped_is_between_its_neighbours(company: Company) -> None:
    # jobs had 1 of 4 cores before and has 3 after.
    hour = "2026-04-30 12:00"

    assert shares(company, "main", hour, "c5.xlarge") == decimals(
        {"jobs": "0.5", "kubernetes-system": "0.1", "free": "0.4"}
    )
    assert (
        company.one(
            f"select distinct basis from marts.attribution_schedule where usage_hour = '{hour}'"
            " and sub_platform = 'main' and interval_hours = 1"
        )
        == "interpolated"
    )


def test_shares_of_a_third_each_add_up(company: Company) -> None:
    # Published as 0.3333333333; what is left over goes to the first by name.
    assert shares(company, "analytics", "2026-05-02 06:00") == decimals(
        {"jobs": "0.3333333334", "reports": "0.3333333333", "web": "0.3333333333"}
    )


def test_idle_cores_of_spark_are_paid_by_who_used_it(company: Company) -> None:
    # 3 and 1 of 5 cores; the fifth is idle.
    assert shares(company, "production", "2026-05-01 00:00") == decimals(
        {"reports": "0.75", "jobs": "0.25"}
    )


def test_what_was_unused_of_the_reservation_stands_in_its_hours(company: Company) -> None:
    assert company.rows(
        "select strftime(usage_hour, '%m-%d %H'), true_cost from marts.true_cost"
        " where lyft_label = '_unused_ri' and true_cost <> 0 order by usage_hour"
    ) == [
        (hour, Decimal("0.11"))
        for hour in ("04-29 00", "04-29 01", "05-01 04", "05-01 05", "05-01 06", "05-01 07")
    ]


def test_how_well_the_savings_plan_is_used(company: Company) -> None:
    # 0.08 of 0.10. It covers 0.12, at list prices, of what it could cover: that and 0.20, 0.16 and
    # 0.10 of EC2, 12 of 58 cents.
    assert company.rows(
        "select utilization, coverage, unused_cost from marts.commitment_usage"
        " where commitment_type = 'savings_plan' and usage_hour = '2026-05-02 08:00'"
    ) == [(Decimal("0.8"), Decimal("0.2068965517"), Decimal("0.02"))]


SPEND = {
    APRIL: {
        # Direct 4.32; of node-1's 6.44 a half, of the volumes' 0.80 three quarters, 3.22 + 0.60; of
        # Redshift's 4.80 a half.
        "web": "10.54",
        # Direct 0.96; of node-2's 0.16 a quarter for 36 hours, a half for one and three quarters
        # for 11, 1.44 + 0.08 + 1.32; of Redshift 0.3 of 4.80.
        "jobs": "5.24",
        # Direct 0.54 and a quarter of node-1's 6.44: not split yet.
        "spark": "2.15",
        # A tenth of 6.44 and of 48 hours at 0.16.
        "kubernetes-system": "1.412",
        # 0.15 of 6.44; of 0.16 for 36 hours 0.65, once 0.4, for 11 hours 0.15: 0.966 + 3.744 +
        # 0.064 + 0.264; a quarter of the volumes, 0.20; a fifth of Redshift, 0.96.
        "free": "6.198",
        "reports": "0.18",
        "unlabeled": "0.20",
        "overhead": "12.00",
        "_unused_ri": "0.22",
    },
    MAY: {
        # Direct 3.88; a half of node-1's 6.16 and 0.60; a half of Redshift's 2.40 on the first day
        # and 0.3333333333 of it on the second.
        "web": "9.55999999992",
        # Direct 0.80; 48 hours of 0.12; of Spark (see below) 0.175 + 0.0675 and 0.63 + 0.2025; of
        # Redshift 0.3 of 2.40 and 0.3333333334 of it.
        "jobs": "9.15500000016",
        # Direct 0.18; of Spark 0.525 + 0.2025 and 0.21 + 0.0675; of Redshift 0.3333333333 of 2.40.
        "reports": "1.98499999992",
        # A tenth of 6.16 and of 7.68.
        "kubernetes-system": "1.384",
        # 0.15 of both, 0.924 + 1.152, 0.20 of the volumes, and a fifth of 2.40.
        "free": "2.756",
        "unlabeled": "0.10",
        "experiments": "0.10",
        "overhead": "13.00",
        "_unused_ri": "0.44",
        "_unused_sp": "2.08",
    },
}


@pytest.mark.parametrize("month", [APRIL, MAY])
def test_spend_of_each_label(company: Company, month: str) -> None:
    assert by_label(
        company,
        "select lyft_label, sum(spend) from marts.monthly_spend"
        f" where billing_period = '{month}' group by lyft_label",
    ) == decimals(SPEND[month])


def test_spark_on_the_cluster_is_split_again(company: Company) -> None:
    # Spark holds a quarter of node-1, 0.035 an hour: 20 hours of it on the first day, 24 on the
    # second. reports has three quarters of 0.70 and then one of 0.84; jobs has the rest.
    assert company.rows(
        "select cast(usage_hour as date)::varchar, lyft_label, sum(spend)"
        " from marts.enriched_spend where via like 'k8s: main (%' and platform = 'spark'"
        " group by all order by all"
    ) == [
        ("2026-05-01", "jobs", Decimal("0.175")),
        ("2026-05-01", "reports", Decimal("0.525")),
        ("2026-05-02", "jobs", Decimal("0.63")),
        ("2026-05-02", "reports", Decimal("0.21")),
    ]


def test_a_charge_for_a_day_is_split_by_all_of_its_hours(company: Company) -> None:
    # Spark's bucket is 0.30, less a tenth.
    assert company.rows(
        "select lyft_label, spend from marts.enriched_spend where product = 'AmazonS3'"
        " and usage_hour = '2026-05-01' and interval_hours = 24 order by all"
    ) == [("jobs", Decimal("0.0675")), ("reports", Decimal("0.2025"))]
    # The volumes are 0.40; of 40 GiB web claims 30. One of the day's hours was interpolated.
    assert company.rows(
        "select lyft_label, spend, basis from marts.enriched_spend where cost_model = 'storage'"
        " and usage_hour = '2026-04-30' order by all"
    ) == [("free", Decimal("0.1"), "interpolated"), ("web", Decimal("0.3"), "interpolated")]


def test_every_platform_on_the_way_says_by_which_usage_it_split(company: Company) -> None:
    # Spark requests 1 of the 4 cores of node-1, at 0.14 an hour; of 4 core-hours of Spark, jobs has
    # 3, and the idle one is spread over both.
    assert company.rows(
        "select platform, usage_label, spend_before, usage, total_usage, unit, spend_after"
        " from marts.explained_splits where usage_hour = '2026-05-02 05:00' and lyft_label = 'jobs'"
        " and way = 'k8s: main (i-00000001, cpu) > spark: production (all, usage)' order by step"
    ) == [
        (
            *("k8s", "spark", Decimal("0.14"), 1, 4, "core-hours requested"),
            Decimal("0.035"),
        ),
        ("spark", "jobs", Decimal("0.035"), 3, 4, "core-hours", Decimal("0.02625")),
    ]


LABELS = ("jobs", "web", "reports", "spark", "free", "kubernetes-system", "overhead")


@pytest.mark.parametrize("label", LABELS)
def test_every_sum_of_an_explanation_can_be_redone(company: Company, label: str) -> None:
    text = io.StringIO()
    console = Console(file=text, width=80)
    days = company.rows(
        f"select distinct usage_date from marts.daily_spend where lyft_label = '{label}'"
    )
    for (day,) in days:
        found = explain(company.warehouse, label, day)
        print_explanation(found, console, 40, hours=True)

        rows = list(csv.DictReader(as_csv(found, hours=True).splitlines()))
        assert sum(Decimal(row["spend"]) for row in rows if row["spend"]) == found.spend
        for row in rows:
            if row["way"]:
                spend = Decimal(row["spend_before"]) * Decimal(row["usage"])
                spend /= Decimal(row["total_usage"])
                # A proportion has ten digits.
                assert abs(spend - Decimal(row["spend_after"])) < Decimal("0.0000000005")

    said = text.getvalue()
    assert max(map(len, said.splitlines())) <= 80
    sums = re.findall(r"  ([\d. x/]+) = ([\d.]+)", said)
    assert len(sums) == len(re.findall(" = ", said)) > 0 or label == "overhead"
    for redone, spend in sums:
        amount = Decimal(1)
        for factor in redone.split(" x "):
            held, _, total = factor.partition(" / ")
            amount *= Decimal(held) / Decimal(total or 1)
        assert f"{amount:.6f}" == spend


def test_a_change_between_days_or_longer_spans_adds_up(company: Company) -> None:
    def change(day: date, against: date, days: int) -> Change:
        return change_between(
            explain(company.warehouse, "reports", against, days),
            explain(company.warehouse, "reports", day, days),
        )

    # Of Spark's 0.84 on the cluster reports has a quarter, and had three of 0.70; S3 is 0.27.
    # Its share of the warehouse, 2.40 a day, began on the second; its own instance is 0.09 a day.
    one_day = change(date(2026, 5, 2), date(2026, 5, 1), days=1)
    assert [(reason.platforms, reason.change) for reason in one_day.reasons] == [
        ("redshift: analytics", Decimal("0.79999999992")),
        ("k8s: main > spark: production", Decimal("-0.315")),
        ("spark: production", Decimal("-0.135")),
        ("", 0),
    ]
    assert one_day.amount == sum(reason.change for reason in one_day.reasons)
    assert change_between(one_day.after, one_day.before).amount == -one_day.amount

    # Before May reports had nothing but its instance, 0.09 on each of two days.
    two_days = change(date(2026, 5, 2), date(2026, 4, 30), days=2)
    assert two_days.before.spend == Decimal("0.18")
    assert two_days.amount == sum(reason.change for reason in two_days.reasons)
    rows = list(csv.DictReader(as_csv(two_days).splitlines()))
    assert sum(Decimal(row["change"]) for row in rows) == two_days.amount
    assert Decimal(json.loads(as_json(two_days))["change"]) == two_days.amount


def test_a_label_that_is_new_or_misspelt(company: Company) -> None:
    # `experiments` begins on 2 May: 0.05 in each of two hours.
    day = date(2026, 5, 2)
    found = explain(company.warehouse, "experiments", day)
    nothing = explain(company.warehouse, "experiments", date(2026, 5, 1))
    assert nothing.spend == 0
    assert change_between(nothing, found).amount == Decimal("0.1")
    with pytest.raises(InfraspendError, match=r"did you mean experiments\?"):
        explain(company.warehouse, "experiment", day)
    with pytest.raises(InfraspendError, match="is not on the bill") as error:
        explain(company.warehouse, "experiments", date(2027, 5, 2))
    assert "did you mean" not in str(error.value)


def test_capacity_that_nobody_held(company: Company) -> None:
    # node-2 on 30 April: 12 hours 0.65 of 0.16, one 0.4 of it, 11 hours 0.15 of it.
    assert company.rows(
        "select spend, free_spend from marts.unallocated_capacity"
        " where usage_date = '2026-04-30' and capacity_pool = 'c5.xlarge'"
    ) == [(Decimal("3.84"), Decimal("1.576"))]


def test_jobs_goes_from_one_team_to_another(company: Company) -> None:
    # Direct, node-2, Spark, its bucket and Redshift: 0.48 + 2.88 + 0.175 + 0.0675 + 0.72 and
    # 0.32 + 2.88 + 0.63 + 0.2025 + 0.80000000016.
    assert company.rows(
        "select team, org, sum(spend) from marts.daily_spend"
        f" where lyft_label = 'jobs' and billing_period = '{MAY}' group by all order by all"
    ) == [
        ("apps", "product", Decimal("4.3225")),
        ("data", "engineering", Decimal("4.83250000016")),
    ]
