-- Which months are closed and with which delivery, and the invoices that people entered next to the
-- bill's own sum of them; the newest first.

select
    billing_period,
    payer_account_id,
    case
        when is_closed then 'closed'
        when left_out_because is not null then 'left out'
        when is_complete then 'complete, not closed'
        else 'open'
    end as status,
    invoice_cost as invoices_as_entered,
    billed_cost as the_bill_says,
    difference_cost as difference,
    invoice_count as invoices,
    closed_at,
    assembly_id as closed_with_delivery,
    left_out_evidence as why_it_is_left_out
from {{ ref('billing_periods') }}
order by billing_period desc, payer_account_id asc
