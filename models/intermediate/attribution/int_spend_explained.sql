-- Why is this so much: every part of everybody's spend, with the charge that it is part of, the
-- rule that labelled the charge, the platforms that split it, and the usage that the last of them
-- was split by. Adds up to enriched_spend exactly, at a finer grain.
{{ config(materialized='view', meta={'month': 'billing_period'}) }}

with

charges as (
    select * from {{ ref('int_charges_claimed') }}
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
    where is_served
),

splits as (
    select * from {{ ref('int_splits') }}
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
    where is_served
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
    where is_served
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
)

select
    -- who
    charges.billing_period,
    charges.payer_account_id,
    charges.account_id,
    coalesce(splits.lyft_label, charges.source_label) as lyft_label,
    charges.source_label,
    charges.label_rule,

    -- what
    charges.product,
    charges.usage_type,
    charges.operation,
    charges.region,
    charges.instance_type,
    charges.pricing_model,
    charges.charge_class,

    -- through which platforms
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

    -- by which usage, in the last of them
    {{ amount_of_weight('weights.weight_units', 'splits.last_cost_model') }} as held,
    {{ amount_of_weight('totals.weight_units', 'splits.last_cost_model') }} as held_by_all,

    -- how much
    coalesce(splits.proportion, cast(1 as decimal(11, 10))) as proportion,
    charges.true_cost as charge_true_cost,
    cast(
        charges.true_cost * coalesce(splits.proportion, cast(1 as decimal(11, 10)))
        as decimal(38, 20)
    ) as spend,

    -- when
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
