-- Capacity to give back: per cluster and instance type, how many whole nodes were free in every
-- hour of the last seven complete days, and their cost in that time.

with

spend as (
    select * from {{ ref('unallocated_capacity') }}
),

schedules as (
    select * from {{ ref('attribution_schedule') }}
    where interval_hours = 1 and lyft_label = 'free'
),

nodes as (
    select
        usage_hour,
        cluster as sub_platform,
        instance_type as capacity_pool,
        count(*) as nodes
    from {{ ref('stg_kubernetes__node_hours') }}
    group by usage_hour, cluster, instance_type
),

last_days as (
    select date_day
    from {{ ref('time_spine') }}
    where days_back <= 7
),

free_nodes as (
    select
        schedules.platform,
        schedules.sub_platform,
        schedules.capacity_pool,
        min(nodes.nodes) as fewest_nodes,
        min(floor(nodes.nodes * schedules.proportion)) as nodes_free_in_every_hour
    from schedules
    inner join nodes
        on
            schedules.usage_hour = nodes.usage_hour
            and schedules.sub_platform = nodes.sub_platform
            and schedules.capacity_pool = nodes.capacity_pool
    inner join last_days on cast(schedules.usage_hour as date) = last_days.date_day
    group by schedules.platform, schedules.sub_platform, schedules.capacity_pool
),

costs as (
    select
        spend.platform,
        spend.sub_platform,
        spend.capacity_pool,
        sum(spend.spend) as spend,
        sum(spend.free_spend) as free_spend
    from spend
    inner join last_days on spend.usage_date = last_days.date_day
    group by spend.platform, spend.sub_platform, spend.capacity_pool
)

select
    costs.platform,
    costs.sub_platform,
    costs.capacity_pool,
    free_nodes.nodes_free_in_every_hour,
    free_nodes.fewest_nodes,
    costs.free_spend,
    cast(
        costs.spend * free_nodes.nodes_free_in_every_hour / free_nodes.fewest_nodes
        as decimal(18, 2)
    ) as about_the_cost_of_these_nodes
from costs
inner join free_nodes
    on
        costs.platform = free_nodes.platform
        and costs.sub_platform = free_nodes.sub_platform
        and costs.capacity_pool = free_nodes.capacity_pool
order by costs.free_spend desc
