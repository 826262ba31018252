-- The hours for which owners published fixed shares, which are valid until they publish others:
-- few, and each may be needed long after.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

with

platforms as (
    select distinct
        platform,
        sub_platform,
        schedule_source
    from {{ ref('stg_seeds__platforms') }}
    where cost_model = 'fixed'
),

published as (
    select
        'pushed' as schedule_source,
        platform,
        sub_platform,
        usage_hour
    from {{ ref('stg_platforms__usage') }}
    where {{ in_hours('usage_hour') }}
    union all
    select
        'ready_made' as schedule_source,
        platform,
        sub_platform,
        usage_hour
    from {{ ref('stg_platforms__schedules') }}
    where {{ in_hours('usage_hour') }}
)

select distinct
    published.platform,
    published.sub_platform,
    published.schedule_source,
    {{ month_of('published.usage_hour') }} as usage_month,
    published.usage_hour
from published
inner join platforms
    on
        published.platform = platforms.platform
        and published.sub_platform = platforms.sub_platform
        and published.schedule_source = platforms.schedule_source
