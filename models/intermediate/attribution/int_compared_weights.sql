-- What every label requested or used of each resource in the last days, in the hours that were
-- measured or published themselves: the input of every cost model that is tried. An hour in which
-- nobody used anything has a row without a label.

with

known_hours as (
    select
        *,
        max(usage_hour) over () as last_hour
    from {{ ref('int_schedule_calendar') }}
),

hours as (
    select *
    from known_hours
    where
        basis in ('measured', 'pushed')
        and source_hour = usage_hour
        and usage_hour > {{ plus_hours('last_hour', -24 * var('compared_days')) }}
),

usage as (
    select
        *,
        {{ units('amount') }} * {{ gap_parts() }} as weight_units
    from {{ ref('int_usage') }}
)

select
    -- who
    hours.platform,
    hours.sub_platform,
    usage.capacity_pool,
    usage.lyft_label,
    usage.is_capacity,

    -- how much
    usage.resource,
    usage.weight_units,

    -- how well it is known
    hours.schedule_source,
    hours.basis,
    hours.coverage,

    -- when
    hours.usage_hour
from hours
left join usage
    on
        hours.usage_hour = usage.usage_hour
        and hours.platform = usage.platform
        and hours.sub_platform = usage.sub_platform
        and hours.schedule_source = usage.schedule_source
