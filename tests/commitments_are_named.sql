-- A line that a commitment covers or pays says which, and what covers usage has a fee of that name
-- on the same bill. Otherwise a column was blanked, masked or left out: costs are right, and
-- commitment_usage shows them as `unknown commitment`.
{{ config(severity='warn') }}

with

charges as (
    select
        *,
        concat(reservation_id, savings_plan_id) as commitment_id
    from {{ refreshed(ref('int_charges_net')) }}
    where
        charge_class in ('usage', 'commitment_fee')
        and pricing_model in ('reserved', 'savings_plan')
),

fees as (
    select distinct
        billing_period,
        payer_account_id,
        commitment_id
    from charges
    where charge_class = 'commitment_fee' and commitment_id <> ''
)

select
    charges.billing_period,
    charges.payer_account_id,
    charges.charge_class,
    charges.pricing_model,
    charges.commitment_id,
    sum(charges.net_amortized_cost) as net_amortized_cost
from charges
left join fees
    on
        charges.billing_period = fees.billing_period
        and charges.payer_account_id = fees.payer_account_id
        and charges.commitment_id = fees.commitment_id
where fees.commitment_id is null
group by
    charges.billing_period,
    charges.payer_account_id,
    charges.charge_class,
    charges.pricing_model,
    charges.commitment_id
