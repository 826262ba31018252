-- What every label requested or used of every resource in every hour of a sub-platform, and the
-- capacity, with gaps filled (`int_schedule_calendar`). Whole numbers: ten digits of a unit-hour,
-- times `gap_parts()`, so that interpolation does not round.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

{% set reach = gap_filling_hours() %}

with

hours as (
    select * from {{ ref('int_schedule_calendar') }}
    where {{ in_month('usage_month') }}
),

resources as (
    select distinct
        platform,
        sub_platform,
        resource
    from {{ ref('int_platform_cost_models') }}
),

-- Fixed shares are valid until their owner publishes others, however long ago that was.
long_ago as (
    select distinct
        platform,
        sub_platform,
        source_hour
    from hours
    where source_hour < {{ plus_hours('usage_hour', -reach) }}
),

usage as (
    select * from {{ ref('int_usage') }}
    where {{ in_hours('usage_hour', before=reach, after=reach) }}
    union all
    select old_usage.*
    from {{ ref('int_usage') }} as old_usage
    inner join long_ago
        on
            old_usage.platform = long_ago.platform
            and old_usage.sub_platform = long_ago.sub_platform
            and old_usage.usage_hour = long_ago.source_hour
    where
        old_usage.schedule_source <> 'kubernetes'
        and not ({{ in_hours('old_usage.usage_hour', before=reach, after=reach) }})
),

weights as (
    select
        usage.usage_hour,
        usage.platform,
        usage.sub_platform,
        usage.capacity_pool,
        usage.resource,
        usage.lyft_label,
        usage.is_capacity,
        {{ units('usage.amount') }} as weight_units
    from usage
    inner join resources
        on
            usage.platform = resources.platform
            and usage.sub_platform = resources.sub_platform
            and usage.resource = resources.resource
),

-- Which complete hour fills which gap, and how many of the `gap_parts()` of its weights it
-- contributes.
sources as (
    select
        platform,
        sub_platform,
        usage_hour,
        source_hour,
        schedule_source,
        basis,
        coverage,
        {{ gap_parts() }} as parts
    from hours
    where basis in ('measured', 'pushed', 'ready_made', 'carried_forward')
    union all
    select
        platform,
        sub_platform,
        usage_hour,
        source_hour,
        schedule_source,
        basis,
        coverage,
        hours_until * {{ floor_divide(gap_parts(), '(hours_since + hours_until)') }} as parts
    from hours
    where basis = 'interpolated'
    union all
    select
        platform,
        sub_platform,
        usage_hour,
        next_good_hour as source_hour,
        schedule_source,
        basis,
        coverage,
        hours_since * {{ floor_divide(gap_parts(), '(hours_since + hours_until)') }} as parts
    from hours
    where basis = 'interpolated'
)

select
    {{ month_of('sources.usage_hour') }} as usage_month,
    sources.usage_hour,
    sources.platform,
    sources.sub_platform,
    weights.capacity_pool,
    weights.resource,
    weights.lyft_label,
    weights.is_capacity,
    sources.schedule_source,
    sources.basis,
    sources.coverage,
    sum(weights.weight_units * sources.parts) as weight_units
from sources
inner join weights
    on
        sources.platform = weights.platform
        and sources.sub_platform = weights.sub_platform
        and sources.source_hour = weights.usage_hour
group by
    sources.usage_hour,
    sources.platform,
    sources.sub_platform,
    weights.capacity_pool,
    weights.resource,
    weights.lyft_label,
    weights.is_capacity,
    sources.schedule_source,
    sources.basis,
    sources.coverage
