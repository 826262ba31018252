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

resources as (
    select distinct resource
    from {{ ref('int_cost_models') }}
    where schedule_source = 'kubernetes'
),

held as (
    select
        weights.usage_hour,
        weights.platform,
        weights.sub_platform,
        weights.capacity_pool,
        resources.resource,
        weights.lyft_label,
        weights.is_capacity,
        {{ units(kubernetes_resource('weights')) }} * {{ gap_parts() }} as weight_units,
        'kubernetes' as schedule_source
    from {{ ref('int_kubernetes_weights') }} as weights
    cross join resources
    where resources.resource <> 'storage' or weights.capacity_pool = 'all'
    union all
    select
        usage_hour,
        platform,
        sub_platform,
        capacity_pool,
        'usage' as resource,
        lyft_label,
        false as is_capacity,
        {{ units('weight') }} * {{ gap_parts() }} as weight_units,
        'pushed' as schedule_source
    from {{ ref('int_declared_weights') }}
)

select
    -- who
    hours.platform,
    hours.sub_platform,
    held.capacity_pool,
    held.lyft_label,
    held.is_capacity,

    -- how much
    held.resource,
    held.weight_units,

    -- how well it is known
    hours.schedule_source,
    hours.basis,
    hours.coverage,

    -- when
    hours.usage_hour
from hours
left join held
    on
        hours.usage_hour = held.usage_hour
        and hours.platform = held.platform
        and hours.sub_platform = held.sub_platform
        and hours.schedule_source = held.schedule_source
