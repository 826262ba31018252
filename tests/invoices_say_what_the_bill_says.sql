-- The bill adds up to each invoice that people entered in `invoice_totals`, to the cent that AWS
-- rounds an invoice to. A payer's period with another one is left out; here is an invoice of which
-- there is no bill, too.
{{ config(severity='warn') }}

with

invoices as (
    select
        billing_period,
        payer_account_id,
        invoice_id,
        {{ usd('amount') }} as invoice_cost
    from {{ ref('invoice_totals') }}
),

billed as (
    select * from {{ ref('int_invoices') }}
)

select
    invoices.billing_period,
    invoices.payer_account_id,
    invoices.invoice_id,
    invoices.invoice_cost,
    billed.billed_cost
from invoices
left join billed
    on
        invoices.billing_period = billed.billing_period
        and invoices.payer_account_id = billed.payer_account_id
        and invoices.invoice_id = billed.invoice_id
where coalesce(abs(invoices.invoice_cost - billed.billed_cost) > 0.01, true)
