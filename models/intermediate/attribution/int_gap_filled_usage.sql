-- What every label requested or used of every resource in every hour of a sub-platform, and the
-- capacity, with gaps filled (`int_schedule_calendar`). Whole numbers: ten digits of a unit-hour,
-- times `gap_parts()`, so that interpolation does not round.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

{% set lending = gap_filling_hours() %}

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
    where schedule_source = 'kubernetes'
),

kubernetes_weights as (
    select
        weights.usage_hour,
        weights.platform,
        weights.sub_platform,
        weights.capacity_pool,
        resources.resource,
        weights.lyft_label,
        weights.is_capacity,
        {{ units(kubernetes_resource('weights')) }} as weight_units
    from {{ ref('int_kubernetes_weights') }} as weights
    inner join resources
        on
            weights.platform = resources.platform
            and weights.sub_platform = resources.sub_platform
    where
        {{ in_hours('weights.usage_hour', before=lending, after=lending) }}
        and (resources.resource <> 'storage' or weights.capacity_pool = 'all')
),

-- Fixed shares are valid until their owner publishes others.
old_hours as (
    select distinct
        platform,
        sub_platform,
        source_hour
    from hours
    where source_hour < {{ plus_hours('usage_hour', -lending) }}
),

declared as (
    select * from {{ ref('int_declared_weights') }}
    where {{ in_hours('usage_hour', before=lending, after=lending) }}
    union all
    select old_weights.*
    from {{ ref('int_declared_weights') }} as old_weights
    inner join old_hours
        on
            old_weights.platform = old_hours.platform
            and old_weights.sub_platform = old_hours.sub_platform
            and old_weights.usage_hour = old_hours.source_hour
    where not ({{ in_hours('old_weights.usage_hour', before=lending, after=lending) }})
),

declared_weights as (
    select
        usage_hour,
        platform,
        sub_platform,
        capacity_pool,
        'usage' as resource,
        lyft_label,
        false as is_capacity,
        {{ units('weight') }} as weight_units
    from declared
),

weights as (
    select * from kubernetes_weights
    union all
    select * from declared_weights
),

-- Which complete hour fills which gap, and how many of the `gap_parts()` of its weights it
-- contributes.
loans as (
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
    {{ month_of('loans.usage_hour') }} as usage_month,
    loans.usage_hour,
    loans.platform,
    loans.sub_platform,
    weights.capacity_pool,
    weights.resource,
    weights.lyft_label,
    weights.is_capacity,
    loans.schedule_source,
    loans.basis,
    loans.coverage,
    sum(weights.weight_units * loans.parts) as weight_units
from loans
inner join weights
    on
        loans.platform = weights.platform
        and loans.sub_platform = weights.sub_platform
        and loans.source_hour = weights.usage_hour
group by
    loans.usage_hour,
    loans.platform,
    loans.sub_platform,
    weights.capacity_pool,
    weights.resource,
    weights.lyft_label,
    weights.is_capacity,
    loans.schedule_source,
    loans.basis,
    loans.coverage
