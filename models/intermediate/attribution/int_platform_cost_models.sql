-- The cost models that each sub-platform needs a schedule for: its own, and those that single
-- resources name; and what each of them measures.

with

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

platform_resources as (
    select * from {{ ref('stg_seeds__platform_resources') }}
),

measures as (
    select * from {{ ref('int_cost_models') }}
),

cost_models as (
    select
        platform,
        sub_platform,
        cost_model
    from platforms
    union distinct
    select
        platform,
        sub_platform,
        cost_model
    from platform_resources
    where cost_model is not null
)

select distinct
    cost_models.platform,
    cost_models.sub_platform,
    platforms.schedule_source,
    cost_models.cost_model,
    measures.resource,
    measures.weighs_by,
    measures.price
from cost_models
inner join platforms
    on
        cost_models.platform = platforms.platform
        and cost_models.sub_platform = platforms.sub_platform
inner join measures
    on
        cost_models.cost_model = measures.cost_model
        and platforms.schedule_source = measures.schedule_source
