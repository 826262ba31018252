-- The hours for which owners published shares that hold until they publish others: few, and each
-- may be asked for long after.
{{ by_period('weighed', by='usage_hour') }}

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
    from {{ rebuilt(ref('stg_platforms__usage')) }}
    union all
    select
        'ready_made' as schedule_source,
        platform,
        sub_platform,
        usage_hour
    from {{ rebuilt(ref('stg_platforms__schedules')) }}
)

select distinct
    published.platform,
    published.sub_platform,
    published.schedule_source,
    published.usage_hour
from published
inner join platforms
    on
        published.platform = platforms.platform
        and published.sub_platform = platforms.sub_platform
        and published.schedule_source = platforms.schedule_source
