-- The totals of AWS's invoices, copied from them by hand.

with

invoice_totals as (
    select * from {{ ref('invoice_totals') }}
)

select
    -- ids
    billing_period,
    payer_account_id,
    invoice_id,

    -- how much
    {{ usd('amount') }} as invoice_cost
from invoice_totals
