-- What adds up to unallocated capacity, last 28 complete days: every pool, with the spend that it
-- split first. Both columns count a dollar once, so that they may be summed over platforms.

select
    capacity.platform,
    capacity.sub_platform,
    capacity.capacity_pool,
    sum(capacity.free_spend) as free_spend,
    sum(capacity.first_spend) as spend_that_it_split_first
from {{ ref('unallocated_capacity') }} as capacity
inner join {{ ref('time_spine') }} as spine on capacity.usage_date = spine.date_day
where spine.days_back <= 28
group by capacity.platform, capacity.sub_platform, capacity.capacity_pool
having sum(capacity.free_spend) <> 0 or sum(capacity.first_spend) <> 0
order by
    free_spend desc,
    capacity.platform asc,
    capacity.sub_platform asc,
    capacity.capacity_pool asc
