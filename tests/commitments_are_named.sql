-- A line that a commitment covers or pays says which, and what covers usage has a fee of that name
-- on the same bill. Otherwise a column was blanked, masked or left out: costs are right, and
-- commitment_usage shows them as `unknown commitment`.
{{ config(severity='warn') }}

with

charges as (
    select
        *,
        concat(reservation_id, savings_plan_id) as commitment_id,
        case
            when charge_class = 'commitment_prepayment' then net_unblended_cost
            else net_amortized_cost
        end as commitment_cost
    from {{ refreshed(ref('charges')) }}
    where
        charge_class in (
            'usage', 'commitment_fee', 'commitment_to_come', 'commitment_prepayment'
        )
        and pricing_model in ('reserved', 'savings_plan')
),

fees as (
    select distinct
        billing_period,
        payer_account_id,
        commitment_id
    from charges
    where charge_class in ('commitment_fee', 'commitment_to_come') and commitment_id <> ''
)

select
    charges.billing_period,
    charges.payer_account_id,
    charges.charge_class,
    charges.pricing_model,
    charges.commitment_id,
    sum(charges.commitment_cost) as commitment_cost
from charges
where
    (charges.charge_class <> 'commitment_prepayment' or charges.commitment_id = '')
    and not exists (
        select 1
        from fees
        where
            fees.billing_period = charges.billing_period
            and fees.payer_account_id = charges.payer_account_id
            and fees.commitment_id = charges.commitment_id
    )
group by
    charges.billing_period,
    charges.payer_account_id,
    charges.charge_class,
    charges.pricing_model,
    charges.commitment_id
having sum(charges.commitment_cost) <> 0
