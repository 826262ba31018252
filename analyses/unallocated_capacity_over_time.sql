-- The unallocated capacity of each sub-platform, week by week; its sum divided by the
-- sum of the spend is the week's share. A week is complete if all of its seven days are.

select
    cast(date_trunc('week', capacity.usage_date) as date) as week_from,
    count(distinct case when spine.is_complete then capacity.usage_date end) = 7 as is_complete,
    sum(capacity.spend) as spend,
    sum(capacity.free_spend) as free_spend,
    capacity.platform,
    capacity.sub_platform
from {{ ref('unallocated_capacity') }} as capacity
left join {{ ref('time_spine') }} as spine on capacity.usage_date = spine.date_day
group by
    cast(date_trunc('week', capacity.usage_date) as date),
    capacity.platform,
    capacity.sub_platform
order by week_from asc, capacity.platform asc, capacity.sub_platform asc
