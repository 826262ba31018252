-- The unused cost of commitments, hour by hour. It stays with the commitment, under a label of its
-- own, or is spread over the pools that the commitment can cover (the variable
-- `unused_commitment`): a reservation's over its family, a savings plan's over all families that
-- such a plan can cover. A reservation's cost in hours to come is here as well, as `unlabeled`.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

with

reservations as (
    select * from {{ ref('int_unused_reservations') }}
    where {{ in_month('billing_period') }}
),

savings_plans as (
    select * from {{ ref('charges') }}
    where
        {{ in_month('billing_period') }}
        and charge_class = 'commitment_fee'
        and pricing_model = 'savings_plan'
        and net_amortized_cost <> 0
),

members as (
    select * from {{ ref('charges') }}
    where {{ in_month('billing_period') }} and commitment_pool <> '' and charge_class = 'usage'
),

by_pool as (
    select distinct
        billing_period,
        payer_account_id,
        usage_hour,
        commitment_pool
    from members
),

by_plan as (
    select
        billing_period,
        payer_account_id,
        usage_hour,
        plan_pool
    from members
    where plan_pool <> ''
    union distinct
    select
        billing_period,
        payer_account_id,
        usage_hour,
        instance_plan_pool as plan_pool
    from members
    where instance_plan_pool <> ''
),

unused as (
    select
        reservations.billing_period,
        reservations.payer_account_id,
        reservations.account_id,
        case when reservations.is_to_come then 'unlabeled' else '_unused_ri' end as lyft_label,
        reservations.product,
        reservations.usage_type,
        reservations.operation,
        reservations.region,
        reservations.instance_type,
        reservations.commitment_pool,
        reservations.unused_cost,
        by_pool.commitment_pool is not null as has_members,
        reservations.is_to_come,
        reservations.usage_hour,
        reservations.interval_hours
    from reservations
    left join by_pool
        on
            reservations.billing_period = by_pool.billing_period
            and reservations.payer_account_id = by_pool.payer_account_id
            and reservations.usage_hour = by_pool.usage_hour
            and reservations.commitment_pool = by_pool.commitment_pool
    union all
    select
        savings_plans.billing_period,
        savings_plans.payer_account_id,
        savings_plans.account_id,
        '_unused_sp' as lyft_label,
        savings_plans.product,
        savings_plans.usage_type,
        savings_plans.operation,
        savings_plans.region,
        savings_plans.instance_type,
        savings_plans.commitment_pool,
        savings_plans.net_amortized_cost as unused_cost,
        by_plan.plan_pool is not null as has_members,
        false as is_to_come,
        savings_plans.usage_hour,
        savings_plans.interval_hours
    from savings_plans
    left join by_plan
        on
            savings_plans.billing_period = by_plan.billing_period
            and savings_plans.payer_account_id = by_plan.payer_account_id
            and savings_plans.usage_hour = by_plan.usage_hour
            and savings_plans.commitment_pool = by_plan.plan_pool
)

select
    -- who
    billing_period,
    payer_account_id,
    account_id,
    lyft_label,

    -- what
    product,
    usage_type,
    operation,
    region,
    instance_type,
    commitment_pool,

    -- what it cost
    {{ usd('sum(unused_cost)') }} as unused_cost,
    {{ 'has_members' if var('unused_commitment') == 'spread' else 'false' }} as is_spread,

    -- when
    is_to_come,
    usage_hour,
    interval_hours
from unused
group by
    billing_period,
    payer_account_id,
    account_id,
    lyft_label,
    product,
    usage_type,
    operation,
    region,
    instance_type,
    commitment_pool,
    has_members,
    is_to_come,
    usage_hour,
    interval_hours
