"""The truth agrees with itself: nothing appears or disappears between its tables."""

import duckdb
import pytest

from infraspend.simulation import SimulationResult
from infraspend.simulation.plan.company_platforms import SUB_PLATFORMS
from infraspend.simulation.truth.shares import allocate, shares_of
from infraspend.simulation.units import ONE


@pytest.fixture(scope="module")
def truth(simulated: SimulationResult) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name in ("true_cost", "schedule", "enriched_spend", "unallocated_capacity"):
        connection.execute(
            f"create view {name} as from read_parquet('{simulated.truth / name}.parquet')"
        )
    return connection


def _none(truth: duckdb.DuckDBPyConnection, query: str) -> None:
    assert truth.sql(query).fetchall() == []


def test_thirds_add_up_to_one() -> None:
    assert allocate(ONE, [1, 1, 1]) == [3333333334, 3333333333, 3333333333]


def test_left_over_units_go_to_the_largest_remainders() -> None:
    # 10/7 is 1 and 3/7, 20/7 is 2 and 6/7, 40/7 is 5 and 5/7: two units are left.
    assert allocate(10, [1, 2, 4]) == [1, 3, 6]


def test_nothing_at_all_is_free_and_nobody_without_weight_has_a_share() -> None:
    assert shares_of({"free": 0, "a": 0}) == {"free": ONE}
    assert shares_of({"free": 0, "a": 5}) == {"a": ONE}


def test_every_schedule_adds_up_to_exactly_one(truth: duckdb.DuckDBPyConnection) -> None:
    _none(
        truth,
        """
        select usage_hour, platform, sub_platform, capacity_pool, cost_model from schedule
        group by all having sum(proportion) != 1 or min(proportion) < 0
        """,
    )


def test_every_sub_platform_has_a_whole_schedule_in_every_hour(
    truth: duckdb.DuckDBPyConnection, simulated: SimulationResult
) -> None:
    hours = int((simulated.end_hour - simulated.first_hour).total_seconds()) // 3600
    found = truth.sql(
        """
        select platform, sub_platform, count(distinct usage_hour) from schedule
        where capacity_pool = 'all' group by all order by all
        """
    ).fetchall()
    assert found == sorted((*place, hours) for place in SUB_PLATFORMS)


@pytest.mark.parametrize("pooling", ["none", "family"])
def test_the_split_conserves_every_hour_product_and_class(
    truth: duckdb.DuckDBPyConnection, pooling: str
) -> None:
    key = "usage_hour, product, charge_class"
    _none(
        truth,
        f"""
        with costs as (
            select {key}, sum(true_cost_{pooling})::decimal(38, 20) as amount
            from true_cost group by all
        ),
        spend as (
            select {key}, sum(spend_{pooling})::decimal(38, 20) as amount
            from enriched_spend group by all
        )
        select * from costs full join spend using ({key})
        where costs.amount is distinct from spend.amount
        """,
    )


def test_pooling_moves_money_between_labels_and_keeps_every_hour(
    truth: duckdb.DuckDBPyConnection,
) -> None:
    _none(
        truth,
        """
        select usage_hour, product from true_cost group by all
        having sum(true_cost_none) != sum(true_cost_family)
        """,
    )
    _none(
        truth,
        """
        select * from true_cost where true_cost_none != true_cost_family
        and (
            not regexp_matches(usage_type, '(BoxUsage|InstanceUsage|Node):')
            or charge_class != 'usage'
        )
        """,
    )
    assert truth.sql(
        "select 1 from true_cost where true_cost_none != true_cost_family limit 1"
    ).fetchall()


def test_the_hours_that_wasted_a_reservation_pay_for_it(truth: duckdb.DuckDBPyConnection) -> None:
    _none(
        truth,
        """
        select billing_period, account_id, usage_type from true_cost
        where lyft_label = '_unused_ri' group by all
        having sum(net_amortized_cost) != sum(true_cost_none)
        or sum(net_amortized_cost) != sum(true_cost_family)
        """,
    )
    assert truth.sql(
        "select distinct charge_class from true_cost where lyft_label = '_unused_ri' order by 1"
    ).fetchall() == [("commitment_fee",), ("unused_commitment",)]


def test_what_went_wrong_on_the_last_days_is_there(truth: duckdb.DuckDBPyConnection) -> None:
    def labels(hour: str, sub_platform: str, pool: str) -> set[str]:
        rows = truth.execute(
            """
            select lyft_label from schedule
            where usage_hour = ?::timestamp and sub_platform = ? and capacity_pool = ?
            """,
            [hour, sub_platform, pool],
        ).fetchall()
        return {label for (label,) in rows}

    assert "free" not in labels("2026-11-19 14:00", "core-1", "all")
    assert labels("2026-11-20 03:00", "core-1", "m5.4xlarge") == {"free"}
    # Somebody ran on a node that nobody knows.
    assert labels("2026-11-20 05:00", "core-0", "unknown") == {"routing"}
    # Nodes that do not say their type leave its charges to the schedule of the whole.
    assert not labels("2026-11-19 12:00", "batch-0", "m5.4xlarge")
    (pools,) = zip(
        *truth.sql(
            """
            select distinct capacity_pool from enriched_spend
            where usage_hour = '2026-11-19 12:00' and sub_platform = 'batch-0'
            """
        ).fetchall(),
        strict=True,
    )
    assert set(pools) == {"all", "r5.4xlarge"}


def test_a_service_moves_from_its_machines_into_a_cluster(
    truth: duckdb.DuckDBPyConnection,
) -> None:
    weeks = truth.sql(
        """
        select
            coalesce(sum(spend_none) filter (platform is null and product = 'AmazonEC2'), 0),
            sum(spend_none) filter (platform = 'k8s')
        from enriched_spend where lyft_label = 'matching'
        group by usage_hour < '2026-11-09' order by usage_hour < '2026-11-09'
        """
    ).fetchall()
    (machines_after, _), (machines_before, cluster_before) = weeks
    assert machines_after == 0
    assert machines_before > 0 and cluster_before > 0
