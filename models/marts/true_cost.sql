-- What every charge really cost, with the label that it carries on the bill.
{{ config(
    materialized='incremental',
    unique_key='billing_period',
    partition_by=spark_only('billing_period'),
    contract={'enforced': not var('carry_columns')}
) }}

select
    -- when
    usage_hour,
    billing_period,
    is_period_charge,

    -- what it cost
    {{ usd('sum(true_cost)') }} as true_cost,
    {{ usd('sum(list_cost)') }} as list_cost,
    {{ usd('sum(unblended_cost)') }} as unblended_cost,
    {{ usd('sum(net_unblended_cost)') }} as net_unblended_cost,
    {{ usd('sum(net_amortized_cost)') }} as net_amortized_cost,
    {{ usd('sum(cost_to_come)') }} as cost_to_come,

    -- how much of it
    cast(sum(usage_amount) as decimal(25, 10)) as usage_amount,

    -- who
    payer_account_id,
    account_id,
    lyft_label,
    label_rule,

    -- what
    {{ carried_to_mart() }}
    nullif(product, '') as product,
    nullif(usage_type, '') as usage_type,
    nullif(operation, '') as operation,
    nullif(region, '') as region,
    nullif(instance_type, '') as instance_type,
    pricing_model,
    charge_class
from {{ ref('int_charges_true_cost') }}
where {{ in_month('billing_period') }}
group by
    billing_period,
    payer_account_id,
    account_id,
    lyft_label,
    label_rule,
    product,
    usage_type,
    operation,
    region,
    instance_type,
    pricing_model,
    charge_class,
    {{ carried(of_marts=true) }}
    usage_hour,
    is_period_charge
