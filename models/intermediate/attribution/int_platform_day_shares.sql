-- Each label's share of a platform in a day, as a whole and under its own cost model.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

with

schedules as (
    select * from {{ ref('int_schedules') }}
    where
        {{ in_month('usage_month') }}
        and is_served
        and capacity_pool = 'all'
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
)

select
    -- who
    schedules.platform,
    schedules.sub_platform,
    schedules.lyft_label,

    -- how much
    sum({{ units('schedules.proportion') }}) as proportion_units,

    -- when
    schedules.usage_month,
    cast(schedules.usage_hour as date) as usage_date
from schedules
inner join platforms
    on
        schedules.platform = platforms.platform
        and schedules.sub_platform = platforms.sub_platform
        and schedules.cost_model = platforms.cost_model
        and schedules.usage_hour >= platforms.valid_from
        and schedules.usage_hour < platforms.valid_until
group by
    schedules.usage_month,
    cast(schedules.usage_hour as date),
    schedules.platform,
    schedules.sub_platform,
    schedules.lyft_label
