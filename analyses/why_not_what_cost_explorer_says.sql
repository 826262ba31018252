-- Why is this not what Cost Explorer (CUDOS) says: per payer and billing period, AWS's amortized
-- cost and true_cost, with every difference between them named; `unexplained` is 0.
-- docs/cost-explorer.md explains the items.

select
    billing_period,
    payer_account_id,
    bridge_item as item,
    amount
from {{ ref('cost_explorer_bridge') }}
order by billing_period, payer_account_id, item_order
