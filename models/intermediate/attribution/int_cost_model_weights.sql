-- The weights that split every hour of a sub-platform: what the labels requested or used, as each
-- cost model measures it, with the rest as `free`. Where a platform spreads free capacity over its
-- tenants there are two sets: as measured, for the mart `unallocated_capacity`, and as split.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

with

gap_filled as (
    select * from {{ ref('int_gap_filled_usage') }}
    where {{ in_month('usage_month') }}
),

cost_models as (
    select * from {{ ref('int_platform_cost_models') }}
),

hours as (
    select * from {{ ref('int_schedule_calendar') }}
    where {{ in_month('usage_month') }}
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

{{ weigh('weights', of='gap_filled') }}

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
    {{ month_of('usage_hour') }} as usage_month,
    usage_hour
from weights
