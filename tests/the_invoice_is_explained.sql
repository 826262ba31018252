-- The bridge from the invoice to true_cost closes to exactly 0, for every payer and billing period.

select
    billing_period,
    payer_account_id,
    amount
from {{ refreshed(ref('invoice_bridge')) }}
where bridge_item = 'unexplained' and amount <> 0
