-- What was paid upfront for commitments, on the bill of the month of the purchase, before and after
-- negotiated discounts, in whichever form that month's bill has them.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

with

discounted as (
    select * from {{ ref('int_charges_discounted') }}
    where {{ in_month('billing_period') }}
),

priced as (
    select * from {{ ref('int_charges_priced') }}
    where {{ in_month('billing_period') }}
),

prepayments as (
    select
        billing_period,
        payer_account_id,
        concat(reservation_id, savings_plan_id) as commitment_id,
        unblended_cost,
        net_cost
    from discounted
    where charge_class = 'commitment_prepayment'
    union all
    select
        priced.billing_period,
        priced.payer_account_id,
        concat(priced.reservation_id, priced.savings_plan_id) as commitment_id,
        priced.unblended_cost,
        priced.net_unblended_cost as net_cost
    from priced
    where
        priced.charge_class = 'commitment_prepayment'
        and not exists (
            select 1
            from discounted
            where
                discounted.billing_period = priced.billing_period
                and discounted.payer_account_id = priced.payer_account_id
        )
)

select
    -- who
    billing_period,
    payer_account_id,
    commitment_id,

    -- what it cost
    cast(sum(unblended_cost) as decimal(38, 10)) as gross_cost,
    cast(sum(net_cost) as decimal(38, 10)) as net_cost
from prepayments
group by billing_period, payer_account_id, commitment_id
