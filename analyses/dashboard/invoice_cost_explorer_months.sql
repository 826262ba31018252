-- From what Cost Explorer says to true cost, every payer and billing period, the newest first.

select
    billing_period,
    is_complete,
    payer_account_id,
    sum(case when bridge_item = 'aws_amortized_cost' then amount else 0 end)
        as cost_explorer_amortized,
    sum(
        case
            when bridge_item not in ('aws_amortized_cost', 'unexplained', 'true_cost') then amount
            else 0
        end
    ) as named_differences,
    sum(case when bridge_item = 'unexplained' then amount else 0 end) as unexplained,
    sum(case when bridge_item = 'true_cost' then amount else 0 end) as true_cost
from {{ ref('cost_explorer_bridge') }}
group by billing_period, is_complete, payer_account_id
order by billing_period desc, payer_account_id asc
