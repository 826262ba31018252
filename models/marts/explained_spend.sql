-- Why a label spends what it spends: its part of each kind of charge, by day, with the rule that
-- labelled the charge and the platforms that split it. Adds up to enriched_spend exactly, and keeps
-- the region, usage type and instance type of charges that a platform split. The usage behind each
-- split, hour by hour, is in explained_splits.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set charge = [
    'billing_period', 'payer_account_id', 'account_id', 'lyft_label', 'source_label', 'label_rule',
    'product', 'usage_type', 'operation', 'region', 'instance_type', 'pricing_model',
    'charge_class', 'first_platform', 'first_sub_platform', 'first_capacity_pool',
    'first_cost_model', 'way', 'usage_of', 'last_platform', 'last_sub_platform',
    'last_capacity_pool', 'last_cost_model', 'basis', 'is_period_charge'
] %}

with

charges as (
    select * from {{ ref('int_charges_matched') }}
    where {{ in_month('billing_period') }}
),

pools as (
    select distinct
        usage_hour,
        interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model
    from {{ ref('int_allocation_levels') }}
    where {{ in_months_of_bill('usage_month') }} and level = 1 and is_served
),

splits as (
    select * from {{ ref('int_allocation_steps') }}
    where {{ in_months_of_bill('usage_month') }} and is_last_step
),

pooled as (
    select
        charges.*,
        case
            when charges.platform is not null then coalesce(pools.capacity_pool, 'all')
        end as capacity_pool
    from charges
    left join pools
        on
            charges.usage_hour = pools.usage_hour
            and charges.interval_hours = pools.interval_hours
            and charges.platform = pools.platform
            and charges.sub_platform = pools.sub_platform
            and charges.requested_capacity_pool = pools.capacity_pool
            and charges.cost_model = pools.cost_model
),

parts as (
    select
        charges.billing_period,
        charges.payer_account_id,
        charges.account_id,
        coalesce(splits.lyft_label, charges.source_label) as lyft_label,
        charges.source_label,
        charges.label_rule,
        charges.product,
        charges.usage_type,
        charges.operation,
        charges.region,
        charges.instance_type,
        charges.pricing_model,
        charges.charge_class,
        charges.platform as first_platform,
        charges.sub_platform as first_sub_platform,
        charges.capacity_pool as first_capacity_pool,
        charges.cost_model as first_cost_model,
        coalesce(splits.way, {{ step_of_way(
            'charges.platform', 'charges.sub_platform', 'charges.capacity_pool', 'charges.cost_model'
        ) }}) as way,
        case when charges.platform is not null then coalesce(splits.usage_of, 'unattributed') end
            as usage_of,
        coalesce(splits.step_platform, charges.platform) as last_platform,
        coalesce(splits.step_sub_platform, charges.sub_platform) as last_sub_platform,
        coalesce(splits.step_capacity_pool, charges.capacity_pool) as last_capacity_pool,
        coalesce(splits.step_cost_model, charges.cost_model) as last_cost_model,
        case when charges.platform is not null then coalesce(splits.basis, 'unattributed') end
            as basis,
        charges.true_cost as charge_true_cost,
        cast(
            charges.true_cost * coalesce(splits.proportion, cast(1 as decimal(11, 10)))
            as decimal(38, 20)
        ) as spend,
        charges.usage_hour,
        charges.interval_hours,
        charges.is_period_charge
    from pooled as charges
    left join splits
        on
            charges.usage_hour = splits.usage_hour
            and charges.interval_hours = splits.interval_hours
            and charges.platform = splits.platform
            and charges.sub_platform = splits.sub_platform
            and charges.capacity_pool = splits.capacity_pool
            and charges.cost_model = splits.cost_model
),

hours as (
    select
        {{ charge | join(',\n        ') }},
        usage_hour,
        interval_hours,
        sum(charge_true_cost) as charge_true_cost,
        sum(spend) as spend
    from parts
    group by {{ charge | join(', ') }}, usage_hour, interval_hours
)

select
    -- when
    cast(usage_hour as date) as usage_date,
    billing_period,
    is_period_charge,

    -- what it cost
    cast(sum(spend) as decimal(38, 20)) as spend,
    cast(sum(charge_true_cost) as decimal(38, 10)) as charge_true_cost,

    -- who
    payer_account_id,
    account_id,
    lyft_label,
    source_label,
    label_rule,

    -- what
    nullif(product, '') as product,
    nullif(usage_type, '') as usage_type,
    nullif(operation, '') as operation,
    nullif(region, '') as region,
    nullif(instance_type, '') as instance_type,
    pricing_model,
    charge_class,

    -- through which platforms
    first_platform,
    first_sub_platform,
    first_capacity_pool,
    first_cost_model,
    way,
    usage_of,
    last_platform,
    last_sub_platform,
    last_capacity_pool,
    last_cost_model,
    basis,

    cast(sum(interval_hours) as bigint) as hours
from hours
group by cast(usage_hour as date), {{ charge | join(', ') }}
