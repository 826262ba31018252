-- The cost models that each sub-platform needs a schedule for: its own, and those that single
-- resources name.

with

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

platform_resources as (
    select * from {{ ref('stg_seeds__platform_resources') }}
)

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
