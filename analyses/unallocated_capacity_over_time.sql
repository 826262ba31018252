-- The unallocated capacity of each sub-platform, week by week, in dollars; its sum divided by the
-- sum of the spend is the week's share.

select
    date_trunc('week', usage_date) as week_from,
    platform,
    sub_platform,
    sum(spend) as spend,
    sum(free_spend) as free_spend
from {{ ref('unallocated_capacity') }}
group by date_trunc('week', usage_date), platform, sub_platform
order by week_from asc, platform asc, sub_platform asc
