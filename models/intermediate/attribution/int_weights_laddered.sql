-- What every label held of every resource in every hour of a sub-platform, and what was offered,
-- whichever step of the ladder it comes from. Whole numbers: ten digits of a unit-hour, times
-- 27720, the least number that all of 1 to 12 divide, so that a gap between two hours at most 12
-- apart is filled without rounding.
{{ by_period('weighed', by='usage_hour') }}

{% set lending = lending_hours() %}

with

hours as (
    select * from {{ rebuilt(ref('int_sub_platform_hours')) }}
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
    from {{ rebuilt(ref('int_kubernetes_weights'), before=lending, after=lending) }} as weights
    inner join resources
        on
            weights.platform = resources.platform
            and weights.sub_platform = resources.sub_platform
    where resources.resource <> 'storage' or weights.capacity_pool = 'all'
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
    from {{ rebuilt(
        ref('int_declared_weights'), before=lending, after=lending, also=lenders_of_old(lending)
    ) }}
),

weights as (
    select * from kubernetes_weights
    union all
    select * from declared_weights
),

-- Which good hour lends its weights to which hour, and how many 27720ths of them.
loans as (
    select
        platform,
        sub_platform,
        usage_hour,
        lender_hour,
        schedule_source,
        basis,
        coverage,
        27720 as parts
    from hours
    where basis in ('measured', 'pushed', 'ready_made', 'carried_forward')
    union all
    select
        platform,
        sub_platform,
        usage_hour,
        lender_hour,
        schedule_source,
        basis,
        coverage,
        hours_until * {{ floor_divide('27720', '(hours_since + hours_until)') }} as parts
    from hours
    where basis = 'interpolated'
    union all
    select
        platform,
        sub_platform,
        usage_hour,
        next_good_hour as lender_hour,
        schedule_source,
        basis,
        coverage,
        hours_since * {{ floor_divide('27720', '(hours_since + hours_until)') }} as parts
    from hours
    where basis = 'interpolated'
)

select
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
        and loans.lender_hour = weights.usage_hour
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
