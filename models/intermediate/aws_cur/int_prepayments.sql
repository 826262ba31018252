-- What was paid upfront for commitments, on the bill of the month of the purchase, before and after
-- negotiated discounts, in whichever form that month's bill has them.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set columns = [
    'billing_period', 'payer_account_id', 'account_id', 'product', 'usage_type', 'operation', 'region',
    'instance_type', 'resource_id', 'tags', 'cost_categories', 'reservation_id', 'savings_plan_id',
    'bill_type', 'usage_hour', 'interval_hours', 'is_period_charge'
] %}

with

discounted as (
    select * from {{ ref('int_charges_discounted') }}
    where {{ in_month('billing_period') }}
),

priced as (
    select * from {{ ref('int_charges_priced') }}
    where {{ in_month('billing_period') }} and charge_class = 'commitment_prepayment'
),

prepayments as (
    select
        {{ columns | join(',\n        ') }},
        unblended_cost as gross_cost,
        net_cost
    from discounted
    where charge_class = 'commitment_prepayment'
    union all
    select
        {{ 'priced.' ~ columns | join(',\n        priced.') }},
        priced.unblended_cost as gross_cost,
        priced.net_unblended_cost as net_cost
    from priced
    where
        not exists (
            select 1
            from discounted
            where
                discounted.billing_period = priced.billing_period
                and discounted.payer_account_id = priced.payer_account_id
        )
)

select
    -- which commitment
    concat(reservation_id, savings_plan_id) as commitment_id,

    -- which charge
    {{ columns | join(',\n    ') }},

    -- what it cost
    cast(sum(gross_cost) as decimal(38, 10)) as gross_cost,
    cast(sum(net_cost) as decimal(38, 10)) as net_cost
from prepayments
group by {{ columns | join(', ') }}
