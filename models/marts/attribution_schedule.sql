-- Who used a platform, hour by hour: the proportions that split its spend.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

select
    -- when
    usage_hour,
    {{ month_of('usage_hour') }} as usage_month,
    cast(1 as bigint) as interval_hours,

    -- how much
    proportion,

    -- ids
    platform,
    sub_platform,
    capacity_pool,
    cost_model,
    lyft_label,

    -- how well it is known
    basis,
    coverage
from {{ ref('int_schedules') }}
where {{ in_month('usage_month') }} and is_served
