-- Every charge with the schedule that splits it: that of its capacity pool, or of the whole
-- sub-platform where it has no pool or the hour has no schedule for the pool.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

with

-- At the grain that the split needs: columns that only explain the bill are summed away.
charges as (
    select
        billing_period,
        payer_account_id,
        account_id,
        source_label,
        product,
        charge_class,
        {{ carried(of_marts=true) }}
        platform,
        sub_platform,
        cost_model,
        requested_capacity_pool,
        sum(true_cost) as true_cost,
        sum(invoiced_cost) as invoiced_cost,
        sum(net_amortized_cost) as net_amortized_cost,
        usage_hour,
        case when platform is not null then interval_hours end as interval_hours,
        is_period_charge
    from {{ ref('int_charges_matched') }}
    where {{ in_month('billing_period') }}
    group by
        billing_period,
        payer_account_id,
        account_id,
        source_label,
        product,
        charge_class,
        {{ carried(of_marts=true) }}
        platform,
        sub_platform,
        cost_model,
        requested_capacity_pool,
        usage_hour,
        case when platform is not null then interval_hours end,
        is_period_charge
),

pools as (
    select
        usage_hour,
        interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        max(basis_rank) as basis_rank
    from {{ ref('int_allocation_levels') }}
    where {{ in_months_of_bill('usage_month') }} and level = 1 and is_served
    group by usage_hour, interval_hours, platform, sub_platform, capacity_pool, cost_model
),

resolved as (
    select
        charges.billing_period,
        charges.payer_account_id,
        charges.account_id,
        charges.source_label,
        charges.product,
        charges.charge_class,
        {{ carried('charges', of_marts=true) }}
        charges.platform,
        charges.sub_platform,
        charges.cost_model,
        case
            when charges.platform is not null then coalesce(pools.capacity_pool, 'all')
        end as capacity_pool,
        -- A weaker basis takes precedence, and a row has only one.
        coalesce(
            pools.capacity_pool is null
            and charges.requested_capacity_pool <> 'all'
            and wholes.basis_rank < {{ basis_rank("'sub_platform'") }},
            false
        ) as is_without_its_pool,
        charges.true_cost,
        charges.invoiced_cost,
        charges.net_amortized_cost,
        charges.usage_hour,
        charges.interval_hours,
        charges.is_period_charge
    from charges
    left join pools
        on
            charges.usage_hour = pools.usage_hour
            and charges.interval_hours = pools.interval_hours
            and charges.platform = pools.platform
            and charges.sub_platform = pools.sub_platform
            and charges.requested_capacity_pool = pools.capacity_pool
            and charges.cost_model = pools.cost_model
    left join pools as wholes
        on
            charges.usage_hour = wholes.usage_hour
            and charges.interval_hours = wholes.interval_hours
            and charges.platform = wholes.platform
            and charges.sub_platform = wholes.sub_platform
            and wholes.capacity_pool = 'all'
            and charges.cost_model = wholes.cost_model
)

select
    -- who
    billing_period,
    payer_account_id,
    account_id,
    source_label,

    -- what
    product,
    charge_class,
    {{ carried(of_marts=true) }}

    -- who splits it, and how
    platform,
    sub_platform,
    capacity_pool,
    cost_model,
    is_without_its_pool,

    -- what it cost
    {{ usd('sum(true_cost)') }} as true_cost,
    {{ usd('sum(invoiced_cost)') }} as invoiced_cost,
    {{ usd('sum(net_amortized_cost)') }} as net_amortized_cost,

    -- when
    usage_hour,
    interval_hours,
    is_period_charge
from resolved
group by
    billing_period,
    payer_account_id,
    account_id,
    source_label,
    product,
    charge_class,
    {{ carried(of_marts=true) }}
    platform,
    sub_platform,
    capacity_pool,
    cost_model,
    is_without_its_pool,
    usage_hour,
    interval_hours,
    is_period_charge
