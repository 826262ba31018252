-- Why is this so much: every label's part of each kind of charge, by day, with the rule that
-- labelled the charge, the platforms that split it, and the usage that the last of them was split
-- by. Adds up to enriched_spend exactly; the region, usage type and instance type of what a
-- platform split are here, too.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set charge = [
    'billing_period', 'payer_account_id', 'account_id', 'lyft_label', 'source_label', 'label_rule',
    'product', 'usage_type', 'operation', 'region', 'instance_type', 'pricing_model',
    'charge_class', 'first_platform', 'first_sub_platform', 'first_capacity_pool',
    'first_cost_model', 'via', 'last_platform', 'last_sub_platform', 'last_capacity_pool',
    'last_cost_model', 'basis', 'is_period_charge'
] %}

with

charges as (
    select * from {{ ref('int_charges_claimed') }}
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
    from {{ ref('int_schedules') }}
    where {{ in_months_of_bill('usage_month') }} and is_served
),

splits as (
    select * from {{ ref('int_splits') }}
    where {{ in_months_of_bill('usage_month') }}
),

weights as (
    select
        usage_hour,
        1 as interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        lyft_label,
        weight_units
    from {{ ref('int_cost_model_weights') }}
    where {{ in_months_of_bill('usage_month') }} and is_served
    union all
    select
        usage_hour,
        interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        lyft_label,
        weight_units
    from {{ ref('int_weights_of_intervals') }}
    where {{ in_months_of_bill('usage_month') }} and is_served
),

totals as (
    select
        usage_hour,
        interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        sum(weight_units) as weight_units
    from weights
    group by usage_hour, interval_hours, platform, sub_platform, capacity_pool, cost_model
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
            and charges.wanted_pool = pools.capacity_pool
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
        splits.via,
        splits.last_platform,
        splits.last_sub_platform,
        splits.last_capacity_pool,
        splits.last_cost_model,
        splits.basis,
        {{ amount_of_weight('weights.weight_units', 'splits.last_cost_model') }} as held,
        {{ amount_of_weight('totals.weight_units', 'splits.last_cost_model') }} as held_by_all,
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
    left join weights
        on
            splits.usage_hour = weights.usage_hour
            and splits.interval_hours = weights.interval_hours
            and splits.last_platform = weights.platform
            and splits.last_sub_platform = weights.sub_platform
            and splits.last_capacity_pool = weights.capacity_pool
            and splits.last_cost_model = weights.cost_model
            and splits.lyft_label = weights.lyft_label
    left join totals
        on
            weights.usage_hour = totals.usage_hour
            and weights.interval_hours = totals.interval_hours
            and weights.platform = totals.platform
            and weights.sub_platform = totals.sub_platform
            and weights.capacity_pool = totals.capacity_pool
            and weights.cost_model = totals.cost_model
),

-- What was held is that of the hour, whatever charges it splits.
hours as (
    select
        {{ charge | join(',\n        ') }},
        usage_hour,
        interval_hours,
        max(held) as held,
        max(held_by_all) as held_by_all,
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
    via,
    last_platform,
    last_sub_platform,
    last_capacity_pool,
    last_cost_model,
    basis,

    -- by which usage, in the last of them
    cast(sum(held) as decimal(38, 10)) as held,
    cast(sum(held_by_all) as decimal(38, 10)) as held_by_all,
    cast(sum(interval_hours) as bigint) as hours
from hours
group by cast(usage_hour as date), {{ charge | join(', ') }}
