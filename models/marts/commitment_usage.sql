-- How well each reservation and savings plan is used, hour by hour, how much of what it could cover
-- it covers, and what ran on demand beside it: for deciding what to buy and what not to renew. For
-- an hour that a fee pays for and that has not happened yet only the cost is known.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

with

hours as (
    select * from {{ ref('int_commitment_hours') }}
    where {{ in_month('billing_period') }}
),

members as (
    select * from {{ ref('int_pool_members') }}
    where {{ in_month('billing_period') }}
),

by_pool as (
    select
        billing_period,
        payer_account_id,
        usage_hour,
        commitment_pool,
        plan_pool,
        instance_plan_pool,
        sum(list_cost) as list_cost,
        sum(case when pricing_model = 'on_demand' then list_cost else 0 end) as on_demand_list_cost
    from members
    group by
        billing_period, payer_account_id, usage_hour, commitment_pool, plan_pool, instance_plan_pool
),

-- A savings plan may cover every pool of its payer that is of its kind.
pools as (
    {%- for column in ['commitment_pool', 'plan_pool', 'instance_plan_pool'] %}
        select
            billing_period,
            payer_account_id,
            usage_hour,
            {{ column }} as commitment_pool,
            sum(list_cost) as list_cost,
            sum(on_demand_list_cost) as on_demand_list_cost
        from by_pool
        where {{ column }} <> ''
        group by billing_period, payer_account_id, usage_hour, {{ column }}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

costs as (
    select
        hours.billing_period,
        hours.payer_account_id,
        hours.commitment_id,
        hours.commitment_type,
        hours.used_cost,
        hours.unused_cost,
        hours.commitment_cost,
        hours.covered_list_cost,
        pools.list_cost as pool_list_cost,
        pools.on_demand_list_cost,
        hours.usage_hour
    from hours
    left join pools
        on
            hours.billing_period = pools.billing_period
            and hours.payer_account_id = pools.payer_account_id
            and hours.usage_hour = pools.usage_hour
            and hours.commitment_pool = pools.commitment_pool
)

select
    -- when
    usage_hour,
    billing_period,

    -- what it cost
    {{ usd('commitment_cost') }} as commitment_cost,
    used_cost,
    unused_cost,
    {{ usd('on_demand_list_cost') }} as on_demand_list_cost,
    {{ usd('covered_list_cost') }} as covered_list_cost,
    {{ usd('pool_list_cost') }} as pool_list_cost,

    -- who
    payer_account_id,
    commitment_id,
    commitment_type,

    -- how well it is used
    case
        when
            commitment_cost > 0
            and unused_cost is not null
            and used_cost between 0 and commitment_cost
            then {{ part_of('used_cost', 'commitment_cost') }}
    end as utilization,
    case
        when pool_list_cost > 0 and covered_list_cost between 0 and pool_list_cost
            then {{ part_of('covered_list_cost', 'pool_list_cost') }}
    end as coverage
from costs
