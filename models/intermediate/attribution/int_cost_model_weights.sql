-- The weights that every hour of a sub-platform is split by: what the labels held, measured as
-- each cost model measures, with what nobody held as `free`. Where a platform spreads what is free
-- over its tenants there are two sets: as it was, for the mart `unallocated_capacity`, and as it
-- is split.
{{ by_period('weighed', by='usage_hour') }}

with

laddered as (
    select * from {{ rebuilt(ref('int_weights_laddered')) }}
),

cost_models as (
    select * from {{ ref('int_platform_cost_models') }}
),

hours as (
    select * from {{ rebuilt(ref('int_sub_platform_hours')) }}
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

{{ weigh('weights', of='laddered') }}

select
    -- ids
    platform,
    sub_platform,
    capacity_pool,
    cost_model,
    lyft_label,
    is_served,
    is_measured,

    -- how much
    weight_units,

    -- how well it is known
    basis,
    coverage,

    -- when
    usage_hour
from weights
