-- The priced charges with their negotiated discounts, however a payer gets them, and the
-- prepayments that AWS does not amortize and this project does. Each table is named where it is
-- read, so that a query for one month reads only that month.
{{ config(materialized='view', meta={'month': 'billing_period'}) }}

{% set columns = [
    'billing_period', 'payer_account_id', 'account_id', 'charge_class', 'pricing_model', 'product',
    'usage_type', 'operation', 'region', 'instance_type', 'resource_id', 'tags',
    'cost_categories', 'reservation_id', 'savings_plan_id', 'pool', 'bill_type', 'has_net_costs',
    'line_count', 'usage_amount', 'normalized_usage_amount', 'list_cost', 'unblended_cost',
    'net_unblended_cost', 'amortized_upfront_cost', 'net_amortized_cost'
] + carried_columns() + ['usage_hour', 'interval_hours', 'is_period_charge'] %}

select {{ 'priced.' ~ columns | join(',\n    priced.') }}
from {{ ref('int_charges_priced') }} as priced
where
    not exists (
        select 1
        from {{ ref('int_charges_blended') }} as blended
        where
            blended.billing_period = priced.billing_period
            and blended.payer_account_id = priced.payer_account_id
    )
union all
select {{ columns | join(',\n    ') }}
from {{ ref('int_charges_blended') }}
union all
select
    billing_period,
    payer_account_id,
    account_id,
    'amortized_prepayment' as charge_class,
    'reserved' as pricing_model,
    product,
    usage_type,
    operation,
    region,
    instance_type,
    resource_id,
    tags,
    cost_categories,
    reservation_id,
    '' as savings_plan_id,
    '' as pool,
    bill_type,
    cast(null as boolean) as has_net_costs,
    0 as line_count,
    cast(null as decimal(38, 10)) as usage_amount,
    cast(null as decimal(38, 10)) as normalized_usage_amount,
    cast(0 as decimal(38, 10)) as list_cost,
    cast(0 as decimal(38, 10)) as unblended_cost,
    cast(0 as decimal(38, 10)) as net_unblended_cost,
    cast(0 as decimal(38, 10)) as amortized_upfront_cost,
    amortized_cost as net_amortized_cost,
    {{ carried_of_no_line() }}
    usage_hour,
    interval_hours,
    is_period_charge
from {{ ref('int_prepaid_hours') }}
