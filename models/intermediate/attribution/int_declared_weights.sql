-- What platform owners published: the usage they pushed, and their ready-made schedules, each first
-- scaled to exactly 1. A sub-platform with rows for its pools only is their sum.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

with

usage as (
    select * from {{ ref('stg_platforms__usage') }}
    where {{ in_hours('usage_hour') }}
),

schedules as (
    select
        *,
        {{ units('proportion') }} as proportion_units
    from {{ ref('stg_platforms__schedules') }}
    where {{ in_hours('usage_hour') }}
),

{{ allocate_largest_remainder(
    'dealt',
    of='schedules',
    by=['usage_hour', 'platform', 'sub_platform', 'capacity_pool'],
    weight='proportion_units',
    ties=['lyft_label'],
    keep=[],
) }},

declared as (
    select
        'pushed' as schedule_source,
        usage_hour,
        platform,
        sub_platform,
        capacity_pool,
        lyft_label,
        cast(usage as decimal(25, 10)) as weight
    from usage
    union all
    select
        'ready_made' as schedule_source,
        usage_hour,
        platform,
        sub_platform,
        capacity_pool,
        lyft_label,
        {{ from_units('allocated_units', 'decimal(25, 10)') }} as weight
    from dealt
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

weights as (
    select
        declared.usage_hour,
        declared.platform,
        declared.sub_platform,
        declared.capacity_pool,
        declared.lyft_label,
        declared.weight
    from declared
    inner join platforms
        on
            declared.platform = platforms.platform
            and declared.sub_platform = platforms.sub_platform
            and declared.schedule_source = platforms.schedule_source
            and declared.usage_hour >= platforms.valid_from
            and declared.usage_hour < platforms.valid_until
),

spoken_of_whole as (
    select
        usage_hour,
        platform,
        sub_platform
    from weights
    where capacity_pool = 'all'
),

summed as (
    select
        weights.usage_hour,
        weights.platform,
        weights.sub_platform,
        weights.lyft_label,
        sum(weights.weight) as weight
    from weights
    where
        not exists (
            select 1
            from spoken_of_whole
            where
                weights.usage_hour = spoken_of_whole.usage_hour
                and weights.platform = spoken_of_whole.platform
                and weights.sub_platform = spoken_of_whole.sub_platform
        )
    group by
        weights.usage_hour,
        weights.platform,
        weights.sub_platform,
        weights.lyft_label
)

select
    {{ month_of('usage_hour') }} as usage_month,
    usage_hour,
    platform,
    sub_platform,
    capacity_pool,
    lyft_label,
    weight
from weights
union all
select
    {{ month_of('usage_hour') }} as usage_month,
    usage_hour,
    platform,
    sub_platform,
    'all' as capacity_pool,
    lyft_label,
    cast(weight as decimal(25, 10)) as weight
from summed
