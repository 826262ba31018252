-- What the tenants of each sub-platform would pay under its other cost models, in the days that are
-- compared: the 200 largest differences.

select
    platform || ': ' || sub_platform as platform,
    lyft_label as service,
    cost_model,
    sum(spend) as spend,
    sum(current_spend) as current_spend,
    sum(spend) - sum(current_spend) as difference
from {{ ref('cost_model_comparison') }}
where not is_current
group by platform, sub_platform, lyft_label, cost_model
having sum(spend) <> sum(current_spend)
order by abs(sum(spend) - sum(current_spend)) desc, platform asc, service asc, cost_model asc
limit 200
