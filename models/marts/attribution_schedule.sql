-- Who used a platform: the proportions that split its spend, of each hour, and of each longer
-- interval that a charge is for. Level 1 only: enriched_spend multiplies by int_allocation_shares,
-- which also has the splits by platforms on platforms.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

with

schedules as (
    select
        usage_hour,
        cast(1 as bigint) as interval_hours,
        proportion,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        lyft_label,
        basis,
        coverage
    from {{ ref('int_schedules') }}
    where {{ in_month('usage_month') }} and is_served
    union all
    select
        usage_hour,
        interval_hours,
        proportion,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        lyft_label,
        basis,
        cast(null as decimal(11, 10)) as coverage
    from {{ ref('int_interval_schedules') }}
    where {{ in_month('usage_month') }} and is_served
)

select
    -- when
    usage_hour,
    {{ month_of('usage_hour') }} as usage_month,
    interval_hours,

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
from schedules
