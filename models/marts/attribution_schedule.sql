-- Who used a platform, hour by hour: the proportions that its spend is split by.
{{ by_period('scheduled', by='usage_hour') }}

select
    -- ids
    platform,
    sub_platform,
    capacity_pool,
    cost_model,
    lyft_label,

    -- how much
    proportion,

    -- how well it is known
    basis,
    coverage,

    -- when
    usage_hour,
    interval_hours
from {{ rebuilt(ref('int_schedules')) }}
where is_served
