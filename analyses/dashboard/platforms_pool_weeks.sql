-- The unallocated share of the eight capacity pools that cost most, such as an instance type of a
-- cluster, week by week.

with

weekly as (
    select
        cast(date_trunc('week', usage_date) as date) as usage_week,
        platform || ': ' || sub_platform || ' ' || capacity_pool as pool,
        sum(spend) as spend,
        sum(free_spend) as free_spend
    from {{ ref('unallocated_capacity') }}
    group by usage_week, platform, sub_platform, capacity_pool
),

largest as (
    select pool
    from weekly
    group by pool
    having sum(free_spend) > 0
    order by sum(spend) desc, pool asc
    limit 8
)

select
    weekly.usage_week,
    weekly.pool,
    cast(weekly.free_spend / weekly.spend as decimal(11, 10)) as unallocated_share
from weekly
inner join largest on weekly.pool = largest.pool
where weekly.spend > 0
order by weekly.usage_week asc, weekly.pool asc
