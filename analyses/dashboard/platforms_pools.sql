-- What was held and what was not, by pool, last 28 days.

with

last_days as (
    select max(usage_date) - 27 as first_date
    from {{ ref('unallocated_capacity') }}
)

select
    capacity.platform || ': ' || capacity.sub_platform || ' ' || capacity.capacity_pool as pool,
    sum(capacity.spend) - sum(capacity.free_spend) as held,
    sum(capacity.free_spend) as unallocated,
    case
        when sum(capacity.spend) > 0
            then cast(sum(capacity.free_spend) / sum(capacity.spend) as decimal(11, 10))
    end as unallocated_share
from {{ ref('unallocated_capacity') }} as capacity
cross join last_days
where capacity.usage_date >= last_days.first_date
group by capacity.platform, capacity.sub_platform, capacity.capacity_pool
having sum(capacity.free_spend) > 0
order by unallocated desc, pool asc
limit 25
