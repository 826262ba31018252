-- The bill adds up to each invoice that people entered in `invoice_totals`, to the cent that AWS
-- rounds an invoice to.

with

invoices as (
    select * from {{ ref('stg_seeds__invoice_totals') }}
),

billed as (
    select
        line_items.billing_period,
        line_items.payer_account_id,
        line_items.invoice_id,
        sum(
            case
                when not line_items.has_net_costs then line_items.unblended_cost
                when line_items.is_negotiated_discount
                    then coalesce(line_items.net_unblended_cost, 0)
                else coalesce(line_items.net_unblended_cost, line_items.unblended_cost)
            end
        ) as billed_cost
    from {{ ref('stg_aws_cur__line_items') }} as line_items
    inner join invoices
        on
            line_items.billing_period = invoices.billing_period
            and line_items.payer_account_id = invoices.payer_account_id
            and line_items.invoice_id = invoices.invoice_id
    group by line_items.billing_period, line_items.payer_account_id, line_items.invoice_id
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
