-- The priced charges with their negotiated discounts, however a payer gets them. Each table is
-- named where it is read: whoever asks for a month reads nothing else of it.
{{ config(materialized='view', meta={'month': 'billing_period'}) }}

{% set columns = [
    'billing_period', 'payer_account_id', 'account_id', 'charge_class', 'pricing_model', 'product',
    'usage_type', 'operation', 'region', 'instance_type', 'resource_id', 'tags',
    'cost_categories', 'reservation_id', 'savings_plan_id', 'pool', 'bill_type', 'has_net_costs',
    'line_count', 'usage_amount', 'normalized_usage_amount', 'list_cost', 'unblended_cost',
    'net_unblended_cost', 'amortized_upfront_cost', 'net_amortized_cost', 'usage_hour',
    'interval_hours', 'is_period_charge'
] + carried_columns() %}

with

payers as (
    select distinct
        billing_period,
        payer_account_id
    from {{ ref('int_charges_blended') }}
)

select {{ 'priced.' ~ columns | join(',\n    priced.') }}
from {{ ref('int_charges_priced') }} as priced
left join payers
    on
        priced.billing_period = payers.billing_period
        and priced.payer_account_id = payers.payer_account_id
where payers.billing_period is null
union all
select {{ columns | join(',\n    ') }}
from {{ ref('int_charges_blended') }}
