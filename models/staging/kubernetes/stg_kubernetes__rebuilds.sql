-- Which months something was tracked for since the last build.
{{ rebuilds_of('tracked') }}

with

collections as (
    select * from {{ ref('stg_kubernetes__collections') }}
),

days as (
    select
        collection_id,
        {{ hours_from(
            "date_trunc('day', first_hour)", plus_hours('last_hour', 1), 24
        ) }} as usage_day
    from collections
),

ingredients as (
    select distinct
        substr(cast(usage_day as {{ dbt.type_string() }}), 1, 7) as period,
        collection_id as ingredient
    from days
),

{{ rebuilds('tracked') }}
