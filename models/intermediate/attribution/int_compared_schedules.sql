-- The schedules that platforms would have under every cost model that fits them, for the hours of
-- the last days that were measured or published themselves: the input of the mart
-- `cost_model_comparison`.

{% set by = ['usage_hour', 'platform', 'sub_platform', 'capacity_pool', 'cost_model'] %}

{% set without_comparison = ['storage', 'fixed'] + used_resources().keys() | list %}

with

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

calendar as (
    select
        *,
        max(usage_hour) over () as last_hour
    from {{ ref('int_schedule_calendar') }}
),

hours as (
    select
        platform,
        sub_platform,
        schedule_source,
        basis,
        coverage,
        usage_hour
    from calendar
    where
        basis in ('measured', 'pushed')
        and source_hour = usage_hour
        and usage_hour > {{ plus_hours('last_hour', -24 * var('compared_days')) }}
),

-- The months are named, so that no others are read.
usage as (
    select
        hours.*,
        usage.capacity_pool,
        usage.lyft_label,
        usage.is_capacity,
        usage.resource,
        {{ units('usage.amount') }} * {{ gap_parts() }} as weight_units
    from hours
    inner join {{ ref('int_usage') }} as usage
        on
            hours.usage_hour = usage.usage_hour
            and hours.platform = usage.platform
            and hours.sub_platform = usage.sub_platform
            and hours.schedule_source = usage.schedule_source
    where
        usage.usage_month
        >= (select min({{ month_of('tried.usage_hour') }}) from hours as tried)
),

with_gpus as (
    select distinct
        platform,
        sub_platform
    from usage
    where resource = 'gpu' and weight_units > 0
),

cost_models as (
    select distinct
        platforms.platform,
        platforms.sub_platform,
        platforms.schedule_source,
        measures.cost_model,
        measures.resource,
        measures.weighs_by,
        measures.price
    from platforms
    inner join {{ ref('int_cost_models') }} as measures
        on platforms.schedule_source = measures.schedule_source
    left join with_gpus
        on
            platforms.platform = with_gpus.platform
            and platforms.sub_platform = with_gpus.sub_platform
    where
        measures.cost_model = platforms.cost_model
        -- Cost models of single resources, and of shares that are agreed and not measured.
        or (
            {%- for cost_model in without_comparison %}
                measures.cost_model <> '{{ cost_model }}' and
            {%- endfor %}
            (measures.cost_model <> 'gpu' or with_gpus.platform is not null)
        )
),

{{ weigh('weights', of='usage') }},

served as (
    select * from weights
    where is_served
),

{{ allocate_largest_remainder(
    'allocated', of='served', by=by, weight='weight_units', ties=['lyft_label'], keep=[]
) }}

select
    -- ids
    platform,
    sub_platform,
    capacity_pool,
    cost_model,
    lyft_label,

    -- how much
    {{ from_units('allocated_units') }} as proportion,

    -- when
    usage_hour
from allocated
