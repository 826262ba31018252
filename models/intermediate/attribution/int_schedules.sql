-- Weights become proportions that add up to exactly 1, hour by hour, by the project's one rounding
-- rule (the macro `allocate_largest_remainder`). Reads usage and what is declared about platforms,
-- and no charge.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

with

weights as (
    select * from {{ ref('int_cost_model_weights') }}
    where {{ in_month('usage_month') }}
),

{{ allocate_largest_remainder(
    'allocated',
    of='weights',
    by=['usage_hour', 'platform', 'sub_platform', 'capacity_pool', 'cost_model', 'is_served'],
    weight='weight_units',
    ties=['lyft_label'],
    keep=['is_measured', 'basis', 'coverage'],
) }}

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
    {{ from_units('allocated_units') }} as proportion,

    -- how well it is known
    basis,
    coverage,

    -- when
    {{ month_of('usage_hour') }} as usage_month,
    usage_hour
from allocated
