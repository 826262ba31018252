-- The schedules that platforms would have under every cost model that fits them, for the hours of
-- the last days that were measured or published themselves: the input of the mart
-- `cost_model_comparison`.

{% set by = ['usage_hour', 'platform', 'sub_platform', 'capacity_pool', 'cost_model'] %}

{% set without_comparison = ['storage', 'fixed'] + used_resources().keys() | list %}

with

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

hour_weights as (
    select * from {{ ref('int_compared_weights') }}
),

held_weights as (
    select * from hour_weights
    where lyft_label is not null
),

hours as (
    select distinct
        usage_hour,
        platform,
        sub_platform,
        schedule_source,
        basis,
        coverage
    from hour_weights
),

with_gpus as (
    select distinct
        platform,
        sub_platform
    from held_weights
    where resource = 'gpu' and weight_units > 0
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
        -- Cost models of single resources, and of shares that are agreed and not measured.
        or (
            {%- for cost_model in without_comparison %}
                measures.cost_model <> '{{ cost_model }}' and
            {%- endfor %}
            (measures.cost_model <> 'gpu' or with_gpus.platform is not null)
        )
),

{{ weigh('weights', of='held_weights') }},

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
