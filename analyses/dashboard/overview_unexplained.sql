-- What no step between the invoice and true_cost explains, over all payers and billing periods.

select sum(abs(amount)) as unexplained
from {{ ref('invoice_bridge') }}
where bridge_item = 'unexplained'
