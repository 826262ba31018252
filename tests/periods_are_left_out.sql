-- A payer's billing period that cannot be right is in no mart: a warning names it with its dollars.
{{ config(severity='warn') }}

select
    billing_period,
    payer_account_id,
    billed_cost,
    reason,
    evidence
from {{ refreshed(ref('int_periods_left_out')) }}
order by billing_period, payer_account_id
