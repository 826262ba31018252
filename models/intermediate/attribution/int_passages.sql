-- The throughput of each platform: for every schedule that splits a charge, which part of it
-- reaches which other sub-platform, at any level, and how much of that is free there; for the
-- schedule itself, only how much is free, since it splits the whole charge. Both before free
-- capacity is reallocated.
{{ config(materialized='view', meta={'month': 'usage_month'}) }}

with

schedules as (
    select * from {{ ref('int_schedules') }}
    where is_measured and lyft_label = 'free'
),

parts as (
    select * from {{ ref('int_parts') }}
    where is_measured
)

select
    -- which schedule splits the charge
    usage_month,
    usage_hour,
    interval_hours,
    platform,
    sub_platform,
    capacity_pool,
    cost_model,

    -- through which platform
    platform as last_platform,
    sub_platform as last_sub_platform,
    capacity_pool as last_capacity_pool,

    -- how much
    cast(0 as decimal(11, 10)) as proportion,
    proportion as free_proportion
from schedules
union all
select
    usage_month,
    usage_hour,
    interval_hours,
    platform,
    sub_platform,
    capacity_pool,
    cost_model,
    last_platform,
    last_sub_platform,
    'all' as last_capacity_pool,
    cast(sum(proportion) as decimal(11, 10)) as proportion,
    cast(sum(case when lyft_label = 'free' then proportion else 0 end) as decimal(11, 10))
        as free_proportion
from parts
group by
    usage_month,
    usage_hour,
    interval_hours,
    platform,
    sub_platform,
    capacity_pool,
    cost_model,
    last_platform,
    last_sub_platform
