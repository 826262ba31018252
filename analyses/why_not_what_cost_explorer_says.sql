-- Why is this not what Cost Explorer (CUDOS) says: per payer and billing period, AWS's amortized
-- cost and true_cost, with every difference between them named; `unexplained` is 0.
-- docs/cost-explorer.md explains the items.
--
--     dbt show --inline "$(cat analyses/why_not_what_cost_explorer_says.sql)" --limit -1

select
    billing_period,
    payer_account_id,
    item,
    amount
from {{ ref('cost_explorer_bridge') }}
where amount <> 0 or item in ('aws_amortized_cost', 'unexplained', 'true_cost')
order by billing_period, payer_account_id, item_order
