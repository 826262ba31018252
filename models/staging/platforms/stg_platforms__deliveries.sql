-- What platform owners delivered, and the hours that each delivery covers: those of its rows, where
-- that was not recorded when it landed. A table, so that the rows are read once.
{{ config(materialized='table') }}

with

deliveries as (
    select
        deliveries.delivery_id,
        deliveries.platform,
        deliveries.first_hour,
        deliveries.last_hour
    from {{ source('platforms', 'deliveries') }} as deliveries
    inner join {{ source('platforms', '_dlt_loads') }} as loads
        on deliveries._dlt_load_id = loads.load_id
    where loads.status = 0 and (deliveries.rows > 0 or deliveries.rows is null)
),

not_noted as (
    select * from deliveries
    where first_hour is null or last_hour is null
),

hours as (
    select
        _delivery_id,
        usage_hour
    from {{ source('platforms', 'usage') }}
    union all
    select
        _delivery_id,
        usage_hour
    from {{ source('platforms', 'schedules') }}
),

found as (
    select
        not_noted.delivery_id,
        min(hours.usage_hour) as first_hour,
        max(hours.usage_hour) as last_hour
    from hours
    inner join not_noted on hours._delivery_id = not_noted.delivery_id
    group by not_noted.delivery_id
)

select
    -- ids
    deliveries.delivery_id,
    deliveries.platform,

    -- when
    coalesce(found.first_hour, deliveries.first_hour) as first_hour,
    coalesce(found.last_hour, deliveries.last_hour) as last_hour
from deliveries
left join found on deliveries.delivery_id = found.delivery_id
where coalesce(found.first_hour, deliveries.first_hour) is not null
