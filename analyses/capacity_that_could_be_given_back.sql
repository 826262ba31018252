-- Capacity to give back: per cluster and instance type, how many whole nodes were free in every
-- hour of the last seven complete days, and about what they cost in that time.

with

last_days as (
    select capacity.*
    from {{ ref('unallocated_capacity') }} as capacity
    inner join {{ ref('time_spine') }} as spine on capacity.usage_date = spine.date_day
    where spine.days_back <= 7
),

pools as (
    select
        platform,
        sub_platform,
        capacity_pool,
        sum(spend) as spend,
        sum(free_spend) as free_spend,
        min(fewest_nodes) as fewest_nodes,
        -- Known in every hour of all seven days, or not at all.
        case
            when count(fewest_free_nodes) = 7 then min(fewest_free_nodes)
        end as nodes_free_in_every_hour
    from last_days
    where fewest_nodes > 0
    group by platform, sub_platform, capacity_pool
)

select
    cast(pools.spend * pools.nodes_free_in_every_hour / pools.fewest_nodes as decimal(18, 2))
        as about_the_cost_of_these_nodes,
    cast(pools.free_spend as decimal(18, 2)) as free_spend,
    pools.nodes_free_in_every_hour,
    pools.fewest_nodes,
    pools.platform,
    pools.sub_platform,
    pools.capacity_pool
from pools
order by
    pools.free_spend desc,
    pools.platform asc,
    pools.sub_platform asc,
    pools.capacity_pool asc
