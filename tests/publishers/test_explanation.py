"""What `infraspend explain` says, and writes for spreadsheets."""

import io
import json
from datetime import date
from decimal import Decimal

import duckdb
import pytest
from rich.console import Console

from infraspend.publishers.explanation import (
    Explanation,
    Reason,
    as_csv,
    as_json,
    explain,
    print_explanation,
)

DAY = date(2026, 11, 12)
WAY = "k8s: core-0 (c5.2xlarge, cpu) > features: pricing (all, usage)"

#: A dollar an hour for a node: pricing requests 2 of its 4 core-hours, and this label is 3 of 4
#: features of pricing. For six hours nobody tracked the cluster.
MARTS = f"""
create schema marts;
create table marts.build_inputs as select 'GBP' as currency;
create table marts.time_spine as select date '{DAY}' as date_day, true as is_complete;
create table marts.daily_spend as
    select date '{DAY}' as usage_date, 'shared-rides' as lyft_label, 9::decimal(38, 20) as spend;
create table marts.explained_spend as
    select
        date '{DAY}' as usage_date, 'shared-rides' as lyft_label, 'AmazonEC2' as product,
        'BoxUsage:c5.2xlarge' as usage_type, 'RunInstances' as operation, 'usage' as charge_class,
        'on_demand' as pricing_model, '012345678901' as account_id, 'core-0' as source_label,
        20 as label_rule, '{WAY}' as way, 'pricing > shared-rides' as usage_of, basis, hours,
        hours::decimal(38, 10) as charge_true_cost, (hours * 0.375)::decimal(38, 20) as spend
    from (values ('measured', 18), ('interpolated', 6)) as parts (basis, hours);
create table marts.labelling_rules as
    select 20 as label_rule, 'tag aws_eks_cluster_name present' as matches;
create table marts.explained_splits as
    select
        date '{DAY}' as usage_date, 'shared-rides' as lyft_label,
        timestamp '{DAY}' + to_hours(hour) as usage_hour, 1 as interval_hours, '{WAY}' as way,
        'pricing > shared-rides' as usage_of, step, string_split('{WAY}', ' > ')[step] as step_name,
        platform, sub_platform, capacity_pool, cost_model, usage_label, usage, total_usage, unit,
        case when hour < 18 then 'measured' else 'interpolated' end as basis, spend_before,
        spend_after, step = 2 as is_last_step
    from
        (values
            (1, 'k8s', 'core-0', 'c5.2xlarge', 'cpu', 'pricing', 2::decimal(25, 10),
                4::decimal(25, 10), 'core-hours requested', 1::decimal(38, 20),
                0.5::decimal(38, 20)),
            (2, 'features', 'pricing', 'all', 'usage', 'shared-rides', 30, 40, 'requests', 0.5,
                0.375)
        ) as steps (
            step, platform, sub_platform, capacity_pool, cost_model, usage_label, usage,
            total_usage, unit, spend_before, spend_after
        ),
        range(24) as hours (hour);
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Explanation:
    database = tmp_path_factory.mktemp("published") / "infraspend.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute(MARTS)
    return explain(database, "shared-rides", DAY)


def test_a_charge_of_several_bases_is_one_reason_with_parts(found: Explanation) -> None:
    (reason,) = found.reasons
    assert (reason.spend, reason.charge_true_cost) == (Decimal(9), Decimal(24))
    assert reason.hours == 24
    assert reason.basis == "measured, interpolated"
    assert [(part.basis, part.hours, part.spend) for part in reason.parts] == [
        ("measured", 18, Decimal("6.75")),
        ("interpolated", 6, Decimal("2.25")),
    ]
    assert reason.usage == (
        "pricing 48 of 96 core-hours requested > shared-rides 720 of 960 requests"
    )
    assert json.loads(as_json(found))["currency"] == "GBP"
    (reason,) = json.loads(as_json(found))["reasons"]
    assert [part["spend"] for part in reason["parts"]] == ["6.75" + "0" * 18, "2.25" + "0" * 18]
    head, line = as_csv(found).splitlines()
    assert "parts" not in head
    assert "measured, interpolated" in line


def test_each_platform_is_said_with_the_usage_that_split_it_in_80_columns(
    found: Explanation,
) -> None:
    text = io.StringIO()
    print_explanation(found, Console(file=text, width=80), rows=40)
    said = text.getvalue()

    assert max(map(len, said.splitlines())) <= 80
    for words in (
        f"What shared-rides spent on {DAY}, in GBP",
        "k8s: core-0 (c5.2xlarge, cpu) split 24.000000,",
        "pricing 48 of 96 core-hours requested: 12.000000",
        "features: pricing (all, usage) split 12.000000,",
        "shared-rides 720 of 960 requests: 9.000000",
        "00:00 to 23:00 each  1 x 2 / 4 x 30 / 40 = 0.375000",
        "6.750000 of 18.000000 in 18 hours measured",
        "2.250000 of 6.000000 in 6 hours interpolated",
    ):
        assert words in said
    assert said.count("BoxUsage:c5.2xlarge") == 1


def test_no_cell_is_a_formula() -> None:
    reason = Reason(
        charge="=1+1",
        label="@cmd",
        way="",
        usage_of="",
        usage="",
        basis="",
        hours=1,
        charge_true_cost=Decimal("-1"),
        spend=Decimal("-1E-12"),
        parts=(),
    )
    day = date(2026, 11, 1)
    text = as_csv(Explanation("+label", day, day, [], "USD", Decimal("-1E-12"), [reason], []))
    assert (
        text.splitlines()[1] == "'+label,2026-11-01,2026-11-01,'=1+1,'@cmd,,,,,1,-1,-0.000000000001"
    )
