-- The schedules that platform owners made themselves. The newest delivery of an hour of a
-- sub-platform replaces that whole hour.
{{ config(materialized='view', meta={'month': 'usage_hour'}) }}
{{ after_months() }}

with

schedules as (
    select * from {{ source('platforms', 'schedules') }}
),

deliveries as (
    select * from {{ source('platforms', 'deliveries') }}
),

loads as (
    select * from {{ source('platforms', '_dlt_loads') }}
),

newest_first as (
    select
        schedules.platform,
        schedules.sub_platform,
        schedules.capacity_pool,
        schedules.lyft_label,
        schedules.proportion,
        schedules.usage_hour,
        dense_rank() over (
            partition by schedules.platform, schedules.sub_platform, schedules.usage_hour
            order by
                deliveries.delivered_at desc,
                deliveries.landed_at desc,
                deliveries.delivery_id asc
        ) as age
    from schedules
    inner join deliveries on schedules._delivery_id = deliveries.delivery_id
    inner join loads on deliveries._dlt_load_id = loads.load_id
    where loads.status = 0
)

select
    -- ids
    platform,
    sub_platform,
    coalesce(capacity_pool, 'all') as capacity_pool,
    lyft_label,

    -- how much
    sum(proportion) as proportion,

    -- when
    usage_hour
from newest_first
where age = 1
group by usage_hour, platform, sub_platform, coalesce(capacity_pool, 'all'), lyft_label
