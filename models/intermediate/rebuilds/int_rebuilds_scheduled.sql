-- Which months' schedules have to be made anew: those that were weighed anew, those in which a
-- charge that is longer than an hour came or went, and those in which something else goes on from
-- one platform to another. A longer charge depends on all months that it touches.
{{ rebuilds_of('scheduled') }}

with

weighed as (
    select
        period,
        fingerprint,
        cast(concat(period, '-01') as timestamp) as starts_at,
        cast(concat(period, '-01') as timestamp) + interval '1' month as ends_at
    from {{ ref('int_rebuilds_weighed') }}
    where fingerprint is not null
),

intervals as (
    select distinct
        platform,
        sub_platform,
        usage_hour,
        interval_hours,
        {{ plus_hours('usage_hour', 'interval_hours') }} as end_hour,
        substr(cast(usage_hour as {{ dbt.type_string() }}), 1, 7) as period
    from {{ ref('int_long_intervals') }}
),

resources as (
    select * from {{ ref('stg_seeds__platform_resources') }}
    where product is null and usage_type is null
),

ingredients as (
    select
        period,
        concat('weighed ', fingerprint) as ingredient
    from weighed
    union all
    select
        period,
        concat_ws(
            ' | ',
            'interval',
            platform,
            sub_platform,
            cast(usage_hour as {{ dbt.type_string() }}),
            cast(interval_hours as {{ dbt.type_string() }})
        ) as ingredient
    from intervals
    union all
    select distinct
        intervals.period,
        concat('touched ', weighed.fingerprint) as ingredient
    from intervals
    inner join weighed
        on
            intervals.usage_hour < weighed.ends_at
            and intervals.end_hour > weighed.starts_at
            and intervals.period <> weighed.period
    union all
    select
        weighed.period,
        concat_ws(
            ' | ',
            'handover',
            resources.platform,
            resources.sub_platform,
            resources.lyft_label,
            coalesce(resources.cost_model, ''),
            cast(greatest(resources.valid_from, weighed.starts_at) as {{ dbt.type_string() }}),
            cast(least(resources.valid_until, weighed.ends_at) as {{ dbt.type_string() }})
        ) as ingredient
    from weighed
    inner join resources
        on
            weighed.ends_at > resources.valid_from
            and weighed.starts_at < resources.valid_until
),

{{ rebuilds('scheduled') }}
