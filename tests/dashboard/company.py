"""A small company's published marts with rows in all that the dashboard reads; made up by SQL.

Four services of two teams spend for 60 days through a cluster or directly, each amount another
one, so that a number on a page is the right number's or nobody's.
"""

from pathlib import Path

import duckdb

from tests.dashboard.contracts import create_marts

LAST_DAY = "2026-11-20"
"""The last complete day; the bill reaches one day further."""

TAG = "product_volume_type"
"""The column of the report that enriched_spend carries."""

_ROWS = """
insert into marts.time_spine by name
    select
        date '2026-11-21' - range::int as date_day,
        range > 0 as is_complete,
        nullif(range, 0) as days_back
    from range(61);

create temp table services as
    from (values
        (1, 'cart', 'web', 'shop', 'k8s', 'core-0', 'AmazonEC2'),
        (2, 'search', 'web', 'shop', 'k8s', 'core-0', 'AmazonEC2'),
        (3, 'pricing', 'models', 'data', null, null, 'AmazonEC2'),
        (4, 'unlabeled', 'unassigned', 'unassigned', null, null, 'AmazonS3')
    ) as s (n, lyft_label, current_team, current_org, platform, sub_platform, product);

insert into marts.daily_spend by name
    select
        date_day as usage_date,
        strftime(date_day, '%Y-%m') as billing_period,
        false as is_period_charge,
        n * 11.37 + (days_back + 1) * n * 0.0101 as spend,
        current_team as team,
        current_org as org,
        '123456789012' as account_id,
        'usage' as charge_class,
        services.* exclude (n)
    from marts.time_spine cross join services
    where days_back is not null
    union all by name
    select
        date '2026-10-01' as usage_date,
        '2026-10' as billing_period,
        true as is_period_charge,
        n * 3.0303 as spend,
        current_team as team,
        current_org as org,
        '123456789012' as account_id,
        'usage' as charge_class,
        services.* exclude (n) replace ('AWSSupport' as product)
    from services;

insert into marts.monthly_spend by name
    select
        * exclude (usage_date, is_period_charge, account_id, spend),
        billing_period < '2026-11' as is_complete,
        sum(spend) as spend
    from marts.daily_spend
    group by all;

insert into marts.explained_spend by name
    select
        usage_date, billing_period, is_period_charge, spend, spend * 2 as charge_true_cost,
        '111122223333' as payer_account_id, account_id, lyft_label, lyft_label as source_label,
        10 as label_rule, product, 'BoxUsage:c5.18xlarge' as usage_type, 'us-west-2' as region,
        'c5.18xlarge' as instance_type, 'none' as pricing_model, charge_class,
        platform as first_platform, sub_platform as first_sub_platform,
        'k8s: core-0 (all, cpu)' as way, lyft_label as usage_of, 'measured' as basis, 24 as hours
    from marts.daily_spend;

insert into marts.explained_splits by name
    select
        usage_date, usage_date::timestamp + interval 23 hour as usage_hour, 1 as interval_hours,
        billing_period, is_period_charge, spend * 2 as charge_true_cost, spend * 2 as spend_before,
        spend as spend_after, 12 as usage, 24 as total_usage, 'core-hours' as unit,
        'measured' as basis, lyft_label, way, usage_of, 1 as step, true as is_last_step,
        way as step_name, usage_of as usage_label
    from marts.explained_spend;

alter table marts.enriched_spend add column product_volume_type varchar;
insert into marts.enriched_spend by name
    select
        usage_date::timestamp as usage_hour, billing_period, is_period_charge, spend, lyft_label,
        case when lyft_label = 'cart' then 'gp3' end as product_volume_type
    from marts.daily_spend;

insert into marts.labelling_rules by name
    select 10 as label_rule, 'tag user_service present' as matches, '{value}' as gives_label;
insert into marts.lyft_labels by name
    select true as is_current, lyft_label, current_team as team, current_org as org from services;
insert into marts.contacts by name
    select 'web' as team, 'web@example.com' as contact;

insert into marts.unallocated_capacity by name
    select
        date_day as usage_date, strftime(date_day, '%Y-%m') as usage_month, 40.5 as spend,
        40.5 as first_spend, 9.25 + days_back * 0.01 as free_spend, 0.2284 as free_share,
        'k8s' as platform, 'core-0' as sub_platform, 'c5.18xlarge' as capacity_pool
    from marts.time_spine where days_back is not null;
insert into marts.kubernetes_efficiency by name
    select date_day as usage_date, 'core-0' as cluster, 'cart' as namespace from marts.time_spine;
insert into marts.platform_health by name
    select
        date_day as usage_date, 1.5 as spend_at_stake, 'k8s' as platform,
        'core-0' as sub_platform, 'web' as owner, 24 as expected, 23 as measured,
        1 as interpolated, 0 as missing, 0.01 as drift
    from marts.time_spine where days_back is not null;
insert into marts.cost_model_comparison by name
    select
        date '2026-11-20' as usage_date, 7.77 as spend, 5.55 as current_spend, 'k8s' as platform,
        'core-0' as sub_platform, 'cart' as lyft_label, 'memory' as cost_model,
        false as is_current;

insert into marts.migration_progress by name
    select
        date_day as usage_date, 3.21 + days_back as ec2_spend, 2.1 as kubernetes_spend,
        'search' as lyft_label
    from marts.time_spine where days_back is not null;

insert into marts.workload_spend by name
    select
        date_day as usage_date, 4.04 as spend, 1.01 as idle_spend, 'k8s' as platform,
        'core-0' as sub_platform, 'cart' as lyft_label, 'cart' as namespace,
        'Notebook' as workload_kind, 'try-it' as workload_name, 'main' as container,
        'notebook' as kubeflow_work, 'try-it' as notebook, null as trial
    from marts.time_spine where days_back is not null;

insert into marts.commitment_usage by name
    select
        date_day::timestamp as usage_hour, 2.5 as commitment_cost, 2 as used_cost,
        0.5 as unused_cost, 1.25 as on_demand_list_cost, 3 as covered_list_cost,
        4.25 as pool_list_cost, '111122223333' as payer_account_id, 'a-plan' as commitment_id,
        'savings_plan' as commitment_type
    from marts.time_spine where days_back is not null;
insert into marts.commitments by name
    select
        timestamp '2026-12-24' as ends_at, '111122223333' as payer_account_id,
        'a-plan' as commitment_id, 'a plan' as commitment_name,
        'savings_plan' as commitment_type, 'AmazonEC2' as product;

insert into marts.invoice_bridge by name
    select *, '111122223333' as payer_account_id, billing_period < '2026-11' as is_complete
    from (values
        ('2026-10', 'invoice', 1, 1000.1), ('2026-10', 'sp_used', 4, 70.07),
        ('2026-10', 'sp_recurring_fee', 9, -60.06), ('2026-10', 'unexplained', 16, 0),
        ('2026-10', 'true_cost', 17, 1010.11),
        ('2026-11', 'invoice', 1, 500.5), ('2026-11', 'unexplained', 16, 0),
        ('2026-11', 'true_cost', 17, 500.5)
    ) as b (billing_period, bridge_item, item_order, amount);
insert into marts.cost_explorer_bridge by name
    select *, '111122223333' as payer_account_id, billing_period < '2026-11' as is_complete
    from (values
        ('2026-10', 'aws_amortized_cost', 1, 1060.61),
        ('2026-10', 'discounts_as_columns', 2, -50.5), ('2026-10', 'unexplained', 14, 0),
        ('2026-10', 'true_cost', 15, 1010.11), ('2026-11', 'aws_amortized_cost', 1, 500.5),
        ('2026-11', 'unexplained', 14, 0), ('2026-11', 'true_cost', 15, 500.5)
    ) as b (billing_period, bridge_item, item_order, amount);
insert into marts.billing_periods by name
    select
        '2026-10' as billing_period, true as is_complete, true as is_closed,
        timestamp '2026-11-05 10:00' as closed_at, 1 as invoice_count, 1000.11 as invoice_cost,
        1000.1 as billed_cost, -0.01 as difference_cost, '111122223333' as payer_account_id,
        'a-delivery' as assembly_id;
insert into marts.restatements by name
    select
        '2026-10' as billing_period, timestamp '2026-11-04 08:00' as restated_at,
        3 as line_count_change, -12.34 as unblended_cost_change, false as is_frozen_out,
        '123456789012' as account_id, 'cart' as lyft_label;

insert into marts.pipeline_flow by name
    select
        date_day as usage_date, 90.9 as spend_in, 80.8 as spend_out, 1000 as rows_in,
        900 as rows_out, 1.01 as rows_in_ratio, stage
    from marts.time_spine
    cross join (values ('bill'), ('enriched_spend'), ('kubernetes')) as s (stage)
    where days_back is not null;
insert into marts.price_changes by name
    select
        '2026-10' as billing_period, '2026-09' as previous_period, true as is_complete,
        n * 100.01 as spend, n * 90.09 as previous_spend, n * 2.02 as length_effect,
        n * 3.03 as volume_effect, n * 4.04 as rate_effect, n * 0.83 as commitment_effect,
        lyft_label, platform, sub_platform, product
    from services;
insert into marts.unlabeled_charges by name
    select
        '2026-10' as billing_period, 77.7 as net_amortized_cost,
        '111122223333' as payer_account_id, '123456789012' as account_id,
        'AmazonS3' as product, 'Bytes' as usage_type, '{"owner": "x", "empty": " "}' as tags;
"""


def publish(folder: Path) -> Path:
    """Writes the file that the company's marts are published in.

    Args:
        folder: The directory to publish to.

    Returns:
        The directory.
    """
    with duckdb.connect(folder / "infraspend.duckdb") as connection:
        create_marts(connection)
        connection.execute(_ROWS)
    return folder
