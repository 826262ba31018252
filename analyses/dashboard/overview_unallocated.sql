-- The unallocated capacity of platforms in the last 28 complete days, and all spend that platforms
-- split. Both count a dollar once: free capacity of one platform is not split by the next, and
-- spend that several platforms split counts for the first.

select
    sum(capacity.free_spend) as free_spend,
    sum(capacity.first_spend) as platform_spend
from {{ ref('unallocated_capacity') }} as capacity
inner join {{ ref('time_spine') }} as spine on capacity.usage_date = spine.date_day
where spine.days_back <= 28
