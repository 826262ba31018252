-- What an owner publishes belongs to a sub-platform of the seed `platforms` that takes its
-- schedule from there. Nothing is split by it otherwise, and nothing is lost: a slip in a name, or
-- a platform that is about to come.
{{ config(severity='warn') }}

with

published as (
    select
        'pushed' as schedule_source,
        platform,
        sub_platform,
        usage_hour
    from {{ refreshed(ref('stg_platforms__usage')) }}
    union all
    select
        'ready_made' as schedule_source,
        platform,
        sub_platform,
        usage_hour
    from {{ refreshed(ref('stg_platforms__schedules')) }}
)

select
    published.platform,
    published.sub_platform,
    published.schedule_source,
    min(published.usage_hour) as first_hour,
    max(published.usage_hour) as last_hour
from published
left join {{ ref('stg_seeds__platforms') }} as platforms
    on
        published.platform = platforms.platform
        and published.sub_platform = platforms.sub_platform
        and published.schedule_source = platforms.schedule_source
where platforms.platform is null
group by published.platform, published.sub_platform, published.schedule_source
order by published.platform, published.sub_platform
