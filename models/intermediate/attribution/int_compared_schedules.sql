-- The schedules that platforms would have under every cost model that fits them, for the hours of
-- the last days that were seen themselves: what the mart `cost_model_comparison` is made of.

{% set by = ['usage_hour', 'platform', 'sub_platform', 'capacity_pool', 'cost_model'] %}

with

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

sub_platform_hours as (
    select * from {{ ref('int_sub_platform_hours') }}
),

last_hours as (
    select max(usage_hour) as usage_hour
    from sub_platform_hours
),

hours as (
    select sub_platform_hours.*
    from sub_platform_hours
    cross join last_hours
    where
        sub_platform_hours.basis in ('measured', 'pushed')
        and sub_platform_hours.lender_hour = sub_platform_hours.usage_hour
        and sub_platform_hours.usage_hour
        > {{ plus_hours('last_hours.usage_hour', -24 * var('compared_days')) }}
),

kubernetes_weights as (
    select weights.*
    from {{ ref('int_kubernetes_weights') }} as weights
    inner join hours
        on
            weights.usage_hour = hours.usage_hour
            and weights.platform = hours.platform
            and weights.sub_platform = hours.sub_platform
),

declared_weights as (
    select weights.*
    from {{ ref('int_declared_weights') }} as weights
    inner join hours
        on
            weights.usage_hour = hours.usage_hour
            and weights.platform = hours.platform
            and weights.sub_platform = hours.sub_platform
),

with_gpus as (
    select distinct
        platform,
        sub_platform
    from kubernetes_weights
    where gpu > 0
),

cost_models as (
    select distinct
        platforms.platform,
        platforms.sub_platform,
        platforms.schedule_source,
        measures.cost_model,
        measures.resource
    from platforms
    inner join {{ ref('int_cost_models') }} as measures
        on platforms.schedule_source = measures.schedule_source
    left join with_gpus
        on
            platforms.platform = with_gpus.platform
            and platforms.sub_platform = with_gpus.sub_platform
    where
        measures.cost_model = platforms.cost_model
        -- These are about single resources, and about what is agreed and not measured.
        or (
            measures.cost_model not in ('storage', 'network', 'fixed')
            and (measures.cost_model <> 'gpu' or with_gpus.platform is not null)
        )
),

resources as (
    select distinct
        platform,
        sub_platform,
        schedule_source,
        resource
    from cost_models
),

seen as (
    select
        weights.usage_hour,
        weights.platform,
        weights.sub_platform,
        weights.capacity_pool,
        resources.resource,
        weights.lyft_label,
        weights.is_capacity,
        {{ units(kubernetes_resource('weights')) }} * 27720 as weight_units
    from kubernetes_weights as weights
    inner join resources
        on
            weights.platform = resources.platform
            and weights.sub_platform = resources.sub_platform
    where
        resources.schedule_source = 'kubernetes'
        and (resources.resource <> 'storage' or weights.capacity_pool = 'all')
    union all
    select
        usage_hour,
        platform,
        sub_platform,
        capacity_pool,
        'usage' as resource,
        lyft_label,
        false as is_capacity,
        {{ units('weight') }} * 27720 as weight_units
    from declared_weights
),

laddered as (
    select
        seen.*,
        hours.schedule_source,
        hours.basis,
        hours.coverage
    from seen
    inner join hours
        on
            seen.usage_hour = hours.usage_hour
            and seen.platform = hours.platform
            and seen.sub_platform = hours.sub_platform
),

{{ weigh('weights', of='laddered') }},

served as (
    select * from weights
    where is_served
),

{{ deal(
    'dealt', of='served', by=by, weight='weight_units', ties=['lyft_label'], keep=[]
) }}

select
    -- ids
    platform,
    sub_platform,
    capacity_pool,
    cost_model,
    lyft_label,

    -- how much
    {{ from_units('dealt_units') }} as proportion,

    -- when
    usage_hour
from dealt
