-- What the clusters run on: what a day of each instance type cost on average, month by month.

with

clusters as (
    select distinct cluster
    from {{ ref('kubernetes_efficiency') }}
),

days as (
    select
        usage_month,
        count(distinct usage_date) as day_count
    from {{ ref('unallocated_capacity') }}
    group by usage_month
)

select
    capacity.usage_month,
    capacity.sub_platform || ': ' || capacity.capacity_pool as instance_type,
    cast(sum(capacity.spend) / days.day_count as decimal(25, 10)) as spend_per_day
from {{ ref('unallocated_capacity') }} as capacity
inner join clusters on capacity.sub_platform = clusters.cluster
inner join days on capacity.usage_month = days.usage_month
where capacity.capacity_pool not in ('all', 'unknown')
group by capacity.usage_month, capacity.sub_platform, capacity.capacity_pool, days.day_count
order by capacity.usage_month asc, spend_per_day desc, instance_type asc
