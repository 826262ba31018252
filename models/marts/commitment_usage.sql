-- How well each reservation and savings plan is used, hour by hour, how much of what it could cover
-- it covers, and what ran on demand beside it: for deciding what to buy and what not to renew. For
-- an hour that has not happened yet only the cost is known; for the open day of a daily report, the
-- use so far. A line that names no commitment, or one that no fee of its bill names, belongs to
-- `unknown commitment`.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set is_past = 'max(case when is_to_come then 1 else 0 end) = 0' %}

with

net as (
    select
        *,
        concat(reservation_id, savings_plan_id) as named_id
    from {{ ref('charges') }}
    where
        {{ in_month('billing_period') }}
        and charge_class in ('usage', 'commitment_fee', 'commitment_to_come')
        and pricing_model in ('reserved', 'savings_plan')
),

fees as (
    select distinct
        billing_period,
        payer_account_id,
        named_id
    from net
    where charge_class <> 'usage' and named_id <> ''
),

charges as (
    select
        net.*,
        coalesce(fees.named_id, '{{ unknown_commitment() }}') as commitment_id
    from net
    left join fees
        on
            net.billing_period = fees.billing_period
            and net.payer_account_id = fees.payer_account_id
            and net.named_id = fees.named_id
),

parts as (
    select
        billing_period,
        payer_account_id,
        commitment_id,
        case when pricing_model = 'reserved' then 'reservation' else 'savings_plan' end
            as commitment_type,
        max(case when pricing_model = 'reserved' then commitment_pool else '' end)
            as commitment_pool,
        sum(net_amortized_cost) as used_cost,
        cast(0 as decimal(38, 10)) as unused_cost,
        sum(list_cost) as covered_list_cost,
        false as is_to_come,
        usage_hour
    from charges
    where charge_class = 'usage'
    group by
        billing_period,
        payer_account_id,
        commitment_id,
        case when pricing_model = 'reserved' then 'reservation' else 'savings_plan' end,
        usage_hour
    union all
    select
        billing_period,
        payer_account_id,
        commitment_id,
        'savings_plan' as commitment_type,
        commitment_pool,
        cast(0 as decimal(38, 10)) as used_cost,
        net_amortized_cost as unused_cost,
        cast(0 as decimal(38, 10)) as covered_list_cost,
        charge_class = 'commitment_to_come' as is_to_come,
        usage_hour
    from charges
    where
        charge_class in ('commitment_fee', 'commitment_to_come')
        and pricing_model = 'savings_plan'
    union all
    select
        billing_period,
        payer_account_id,
        coalesce(nullif(reservation_id, ''), '{{ unknown_commitment() }}') as commitment_id,
        'reservation' as commitment_type,
        commitment_pool,
        cast(0 as decimal(38, 10)) as used_cost,
        unused_cost,
        cast(0 as decimal(38, 10)) as covered_list_cost,
        is_to_come,
        usage_hour
    from {{ ref('int_unused_reservations') }}
    where {{ in_month('billing_period') }}
),

hours as (
    select
        billing_period,
        payer_account_id,
        commitment_id,
        commitment_type,
        max(commitment_pool) as commitment_pool,
        {{ usd('sum(used_cost + unused_cost)') }} as commitment_cost,
        case
            when {{ is_past }} or sum(used_cost) <> 0 then {{ usd('sum(used_cost)') }}
        end as used_cost,
        case when {{ is_past }} then {{ usd('sum(unused_cost)') }} end as unused_cost,
        case
            when {{ is_past }} or sum(used_cost) <> 0 then {{ usd('sum(covered_list_cost)') }}
        end as covered_list_cost,
        usage_hour
    from parts
    group by billing_period, payer_account_id, commitment_id, commitment_type, usage_hour
),

members as (
    select * from {{ ref('int_charges_labelled') }}
    where {{ in_month('billing_period') }} and commitment_pool <> '' and charge_class = 'usage'
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
