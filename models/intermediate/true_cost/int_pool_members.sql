-- The charges that share the cost of commitments: hours of instances, and of what else can be
-- committed to, with a list price, whether a reservation or a savings plan covered them or nothing
-- did. Spot is a market of its own.
{{ config(materialized='view', meta={'month': 'billing_period'}) }}

select
    -- who
    billing_period,
    payer_account_id,
    account_id,
    lyft_label,
    label_rule,

    -- what
    charge_class,
    pricing_model,
    product,
    usage_type,
    operation,
    region,
    instance_type,
    pool,
    {{ carried() }}
    {{ savings_plans_for('product') }} as plan_product,

    -- how much of it
    usage_amount,
    {{ units('list_cost') }} as list_units,

    -- what it cost
    list_cost,
    unblended_cost,
    net_unblended_cost,
    net_amortized_cost,
    {{ units('net_amortized_cost') }} as cost_units,

    -- when
    usage_hour,
    interval_hours,
    is_period_charge
from {{ ref('int_charges_labelled') }}
where pool <> ''
