-- The declared platforms, typed, with defaults filled in.

with

platforms as (
    select * from {{ ref('platforms') }}
)

select
    -- ids
    platform,
    sub_platform,

    -- how it is split
    schedule_source,
    cost_model,
    coalesce(allocation_base, 'request') as allocation_base,
    coalesce(pool_by, 'instance_type') as pool_by,
    coalesce(free_policy, 'label') as free_policy,

    -- who operates it
    owner,
    notify,

    -- how its gaps are filled
    cast(coalesce(min_coverage, '0.75') as decimal(11, 10)) as min_coverage,
    cast(coalesce(interpolate_hours, '3') as int) as interpolate_hours,
    cast(coalesce(carry_hours, '24') as int) as carry_hours,

    -- when
    cast(expected_from as timestamp) as expected_from,
    cast(expected_until as timestamp) as expected_until,
    coalesce(cast(valid_from as timestamp), {{ beginning() }}) as valid_from,
    coalesce(cast(valid_until as timestamp), {{ end_of_time() }}) as valid_until
from platforms
