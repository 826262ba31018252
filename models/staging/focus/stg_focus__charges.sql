-- The charges of bills in FOCUS as charges of any bill: one row per hour and everything that a
-- label rule, a platform or a reader may ask about. Their true cost is FOCUS's EffectiveCost, so
-- they share no commitments (`commitment_pool` is empty), and no discount is allocated to them.
{{ config(materialized='view', meta={'month': 'billing_period'}) }}

with

line_items as (
    select * from {{ ref('stg_focus__line_items') }}
    where is_current
),

classed as (
    select
        billing_period,
        billing_account_id,
        sub_account_id,
        service_name,
        sku,
        resource_type,
        region_id,
        instance_type,
        resource_id,
        tags,
        reservation_id,
        savings_plan_id,
        {{ carried_from_focus() }}
        consumed_quantity,
        list_cost,
        billed_cost,
        effective_cost,
        usage_hour,
        interval_hours,
        case
            when charge_category = 'Usage' and commitment_discount_status = 'Unused'
                then 'unused_commitment'
            when charge_category = 'Usage' then 'usage'
            when charge_category = 'Purchase' and concat(reservation_id, savings_plan_id) <> ''
                then 'commitment_prepayment'
            when charge_category = 'Purchase' then 'fee'
            when charge_category = 'Tax' then 'tax'
            when charge_category = 'Credit' then 'credit'
            else 'other'
        end as charge_class,
        case
            when commitment_discount_status is not null or pricing_category = 'Committed'
                then 'committed'
            when pricing_category = 'Dynamic' then 'spot'
            when charge_category = 'Usage' then 'on_demand'
            else 'none'
        end as pricing_model
    from line_items
)

select
    -- who
    billing_period,
    billing_account_id as payer_account_id,
    sub_account_id as account_id,

    -- what
    charge_class,
    pricing_model,
    service_name as product,
    sku as usage_type,
    resource_type as operation,
    region_id as region,
    instance_type,
    resource_id,
    tags,
    '{}' as cost_categories,
    {{ carried() }}
    reservation_id,
    savings_plan_id,
    '' as commitment_pool,
    '' as plan_pool,
    '' as instance_plan_pool,
    '' as bill_type,
    true as has_net_costs,

    -- how much of it
    count(*) as line_count,
    cast(sum(consumed_quantity) as decimal(38, 10)) as usage_amount,
    cast(null as decimal(38, 10)) as normalized_usage_amount,

    -- what it costs
    cast(sum(list_cost) as decimal(38, 10)) as list_cost,
    cast(sum(billed_cost) as decimal(38, 10)) as unblended_cost,
    cast(sum(billed_cost) as decimal(38, 10)) as net_unblended_cost,
    cast(0 as decimal(38, 10)) as amortized_upfront_cost,
    cast(sum(effective_cost) as decimal(38, 10)) as net_amortized_cost,

    -- when
    usage_hour,
    interval_hours,
    interval_hours > 24 as is_period_charge
from classed
group by
    billing_period,
    billing_account_id,
    sub_account_id,
    charge_class,
    pricing_model,
    service_name,
    sku,
    resource_type,
    region_id,
    instance_type,
    resource_id,
    tags,
    {{ carried() }}
    reservation_id,
    savings_plan_id,
    usage_hour,
    interval_hours
