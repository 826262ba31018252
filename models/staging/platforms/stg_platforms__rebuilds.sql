-- Which months something was published for since the last build, and those whose publishers were
-- declared, or are no longer: what is undeclared is told of.
{{ rebuilds_of('published') }}

with

deliveries as (
    select * from {{ ref('stg_platforms__deliveries') }}
),

days as (
    select
        delivery_id,
        platform,
        {{ hours_from(
            "date_trunc('day', first_hour)", plus_hours('last_hour', 1), 24
        ) }} as usage_day
    from deliveries
),

ingredients as (
    select distinct
        substr(cast(usage_day as {{ dbt.type_string() }}), 1, 7) as period,
        delivery_id as ingredient
    from days
    union all
    select distinct
        substr(cast(days.usage_day as {{ dbt.type_string() }}), 1, 7) as period,
        concat_ws(
            ' | ', 'declared', platforms.platform, platforms.sub_platform, platforms.schedule_source
        ) as ingredient
    from days
    inner join {{ ref('stg_seeds__platforms') }} as platforms on days.platform = platforms.platform
),

{{ rebuilds('published') }}
