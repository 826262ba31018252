-- What AWS's invoices say, as people copied it from them.

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
