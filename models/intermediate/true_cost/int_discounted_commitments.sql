-- The commitments that a billing period speaks of, for payers who get their discounts as lines of
-- their own: what was got off their purchase in another month concerns these.
{{ by_period('priced') }}

select distinct
    billing_period,
    payer_account_id,
    concat(reservation_id, savings_plan_id) as commitment_id
from {{ rebuilt(ref('int_charges_discounted')) }}
where reservation_id <> '' or savings_plan_id <> ''
