-- Allocated and unallocated capacity by pool, last 28 complete days.

select
    capacity.platform || ': ' || capacity.sub_platform || ' ' || capacity.capacity_pool as pool,
    sum(capacity.spend) - sum(capacity.free_spend) as held,
    sum(capacity.free_spend) as unallocated,
    case
        when sum(capacity.spend) > 0
            then cast(sum(capacity.free_spend) / sum(capacity.spend) as decimal(11, 10))
    end as unallocated_share
from {{ ref('unallocated_capacity') }} as capacity
inner join {{ ref('time_spine') }} as spine on capacity.usage_date = spine.date_day
where spine.days_back <= 28
group by capacity.platform, capacity.sub_platform, capacity.capacity_pool
having sum(capacity.free_spend) > 0
order by unallocated desc, pool asc
limit 25
