-- Under every cost model the same dollars are split, to the last digit.

select
    usage_date,
    platform,
    sub_platform,
    cost_model,
    sum(spend) as spend,
    sum(current_spend) as current_spend
from {{ refreshed(ref('cost_model_comparison')) }}
group by usage_date, platform, sub_platform, cost_model
having sum(spend) <> sum(current_spend)
