-- A discount on an upfront fee is on the bill of the month of the purchase. Where that month was
-- never loaded, and discounts come as lines, the amortized part of the fee is taken as paid in
-- full.
{{ config(severity='warn') }}

with

charges as (
    select * from {{ refreshed(ref('int_charges_priced')) }}
),

allocated as (
    select * from {{ refreshed(ref('int_charges_discount_allocated')) }}
),

payers as (
    select distinct
        billing_period,
        payer_account_id
    from allocated
),

purchases as (
    select distinct
        payer_account_id,
        commitment_id
    from {{ ref('int_prepayments') }}
)

select
    charges.payer_account_id,
    concat(charges.reservation_id, charges.savings_plan_id) as commitment_id,
    min(charges.usage_hour) as first_hour
from charges
inner join payers
    on
        charges.billing_period = payers.billing_period
        and charges.payer_account_id = payers.payer_account_id
left join purchases
    on
        charges.payer_account_id = purchases.payer_account_id
        and concat(charges.reservation_id, charges.savings_plan_id) = purchases.commitment_id
where
    (charges.prepaid_cost <> 0 or charges.amortized_upfront_cost <> 0)
    and purchases.commitment_id is null
group by charges.payer_account_id, concat(charges.reservation_id, charges.savings_plan_id)
