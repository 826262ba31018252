-- A discount on an upfront fee is on the bill of the month of the purchase. Where that month was
-- never loaded, and discounts come as lines, the amortized part of the fee is taken as paid in
-- full.
{{ config(severity='warn') }}

with

charges as (
    select * from {{ ref('int_charges_priced') }}
),

blended as (
    select * from {{ ref('int_charges_blended') }}
),

payers as (
    select distinct
        billing_period,
        payer_account_id
    from blended
),

purchases as (
    select distinct
        payer_account_id,
        reservation_id
    from charges
    where charge_class = 'commitment_prepayment'
)

select
    charges.payer_account_id,
    charges.reservation_id,
    min(charges.usage_hour) as first_hour
from charges
inner join payers
    on
        charges.billing_period = payers.billing_period
        and charges.payer_account_id = payers.payer_account_id
left join purchases
    on
        charges.payer_account_id = purchases.payer_account_id
        and charges.reservation_id = purchases.reservation_id
where charges.prepaid_cost <> 0 and purchases.reservation_id is null
group by charges.payer_account_id, charges.reservation_id
