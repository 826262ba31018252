-- From the invoice to true_cost, billing period by billing period.

select
    billing_period,
    is_complete,
    payer_account_id,
    sum(case when bridge_item = 'invoice' then amount else 0 end) as invoice,
    sum(case when bridge_item not in ('invoice', 'unexplained', 'true_cost') then amount else 0 end)
        as commitments_and_timing,
    sum(case when bridge_item = 'unexplained' then amount else 0 end) as unexplained,
    sum(case when bridge_item = 'true_cost' then amount else 0 end) as true_cost
from {{ ref('invoice_bridge') }}
group by billing_period, is_complete, payer_account_id
order by billing_period desc, payer_account_id asc
