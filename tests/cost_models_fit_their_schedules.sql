-- A cluster is measured in what it meters, what owners push or make in their usage.

with

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

declared as (
    select
        platform,
        sub_platform,
        schedule_source,
        cost_model
    from platforms
    union all
    select
        resources.platform,
        resources.sub_platform,
        platforms.schedule_source,
        resources.cost_model
    from {{ ref('stg_seeds__platform_resources') }} as resources
    inner join platforms
        on
            resources.platform = platforms.platform
            and resources.sub_platform = platforms.sub_platform
            and resources.valid_from < platforms.valid_until
            and resources.valid_until > platforms.valid_from
    where resources.cost_model is not null
)

select
    declared.platform,
    declared.sub_platform,
    declared.schedule_source,
    declared.cost_model
from declared
left join {{ ref('int_cost_models') }} as cost_models
    on
        declared.schedule_source = cost_models.schedule_source
        and declared.cost_model = cost_models.cost_model
where cost_models.cost_model is null
