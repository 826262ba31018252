-- The containers of a label hold what the label holds: below a label no share is lost or made, in
-- any hour and pool.

with

shares as (
    select
        usage_hour,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        lyft_label,
        sum(proportion) as proportion
    from {{ refreshed(ref('int_workload_shares')) }}
    where cost_model not in ('storage', 'even')
    group by usage_hour, platform, sub_platform, capacity_pool, cost_model, lyft_label
),

clusters as (
    select distinct
        platform,
        sub_platform
    from {{ ref('stg_seeds__platforms') }}
    where schedule_source = 'kubernetes'
),

schedules as (
    select schedules.*
    from {{ refreshed(ref('int_schedules')) }} as schedules
    inner join clusters
        on
            schedules.platform = clusters.platform
            and schedules.sub_platform = clusters.sub_platform
    where
        schedules.is_served
        -- A label may hold volumes, or be there, without a container that holds anything.
        and schedules.cost_model not in ('storage', 'even')
        and schedules.basis = 'measured'
        and schedules.lyft_label <> 'free'
)

select
    schedules.usage_hour,
    schedules.sub_platform,
    schedules.capacity_pool,
    schedules.cost_model,
    schedules.lyft_label,
    schedules.proportion,
    shares.proportion as proportion_of_workloads
from schedules
full outer join shares
    on
        schedules.usage_hour = shares.usage_hour
        and schedules.platform = shares.platform
        and schedules.sub_platform = shares.sub_platform
        and schedules.capacity_pool = shares.capacity_pool
        and schedules.cost_model = shares.cost_model
        and schedules.lyft_label = shares.lyft_label
where schedules.proportion is distinct from shares.proportion
