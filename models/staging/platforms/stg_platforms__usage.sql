-- What platform owners pushed: usage in units of their own. The newest delivery of an hour of a
-- sub-platform replaces that whole hour.
{{ config(materialized='view', meta={'month': 'usage_hour'}) }}
{{ after_months() }}

with

usage as (
    select * from {{ source('platforms', 'usage') }}
),

deliveries as (
    select * from {{ source('platforms', 'deliveries') }}
),

loads as (
    select * from {{ source('platforms', '_dlt_loads') }}
),

newest_first as (
    select
        usage.platform,
        usage.sub_platform,
        usage.capacity_pool,
        usage.lyft_label,
        usage.usage,
        usage.unit,
        usage.usage_hour,
        dense_rank() over (
            partition by usage.platform, usage.sub_platform, usage.usage_hour
            order by
                deliveries.delivered_at desc,
                deliveries.landed_at desc,
                deliveries.delivery_id asc
        ) as age
    from usage
    inner join deliveries on usage._delivery_id = deliveries.delivery_id
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
    sum(usage) as usage,
    max(unit) as unit,

    -- when
    usage_hour
from newest_first
where age = 1
group by usage_hour, platform, sub_platform, coalesce(capacity_pool, 'all'), lyft_label
