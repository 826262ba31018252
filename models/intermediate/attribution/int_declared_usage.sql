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
    'allocated',
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
        cast(usage as decimal(25, 10)) as amount
    from usage
    union all
    select
        'ready_made' as schedule_source,
        usage_hour,
        platform,
        sub_platform,
        capacity_pool,
        lyft_label,
        {{ from_units('allocated_units', 'decimal(25, 10)') }} as amount
    from allocated
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

of_platforms as (
    select
        declared.schedule_source,
        declared.usage_hour,
        declared.platform,
        declared.sub_platform,
        declared.capacity_pool,
        declared.lyft_label,
        declared.amount
    from declared
    inner join platforms
        on
            declared.platform = platforms.platform
            and declared.sub_platform = platforms.sub_platform
            and declared.schedule_source = platforms.schedule_source
            and declared.usage_hour >= platforms.valid_from
            and declared.usage_hour < platforms.valid_until
),

with_whole as (
    select
        usage_hour,
        platform,
        sub_platform
    from of_platforms
    where capacity_pool = 'all'
),

summed as (
    select
        of_platforms.schedule_source,
        of_platforms.usage_hour,
        of_platforms.platform,
        of_platforms.sub_platform,
        of_platforms.lyft_label,
        sum(of_platforms.amount) as amount
    from of_platforms
    where
        not exists (
            select 1
            from with_whole
            where
                of_platforms.usage_hour = with_whole.usage_hour
                and of_platforms.platform = with_whole.platform
                and of_platforms.sub_platform = with_whole.sub_platform
        )
    group by
        of_platforms.schedule_source,
        of_platforms.usage_hour,
        of_platforms.platform,
        of_platforms.sub_platform,
        of_platforms.lyft_label
),

pools_and_whole as (
    select
        schedule_source,
        usage_hour,
        platform,
        sub_platform,
        capacity_pool,
        lyft_label,
        amount
    from of_platforms
    union all
    select
        schedule_source,
        usage_hour,
        platform,
        sub_platform,
        'all' as capacity_pool,
        lyft_label,
        cast(amount as decimal(25, 10)) as amount
    from summed
)

select
    -- who
    platform,
    sub_platform,
    capacity_pool,
    lyft_label,

    -- how much
    schedule_source,
    amount,

    -- when
    {{ month_of('usage_hour') }} as usage_month,
    usage_hour
from pools_and_whole
