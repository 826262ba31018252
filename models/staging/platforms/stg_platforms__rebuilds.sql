-- Which months something was published for since the last build.
{{ rebuilds_of('published') }}

with

deliveries as (
    select * from {{ ref('stg_platforms__deliveries') }}
    where first_hour > {{ beginning() }} and last_hour < {{ end_of_time() }}
),

days as (
    select
        delivery_id,
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
),

{{ rebuilds('published') }}
