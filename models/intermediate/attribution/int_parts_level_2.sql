-- Platforms on platforms, a step-down allocation: the parts of a split that belong to another
-- platform, split again there. A part's ten-billionths are allocated over the next platform's own
-- schedule, so that they add up to the part exactly, and money is multiplied once, at the end.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

with

below as (
    select
        usage_hour,
        interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        lyft_label as via_labels,
        '' as via,
        concat(
            concat(' > ', platform, ': ', sub_platform),
            concat(' > ', next_platform, ': ', next_sub_platform),
            ' > '
        ) as passed,
        lyft_label as label_before,
        next_platform as last_platform,
        next_sub_platform as last_sub_platform,
        next_cost_model as last_cost_model,
        proportion,
        {{ basis_rank('basis') }} as basis_rank
    from {{ ref('int_schedules') }}
    where {{ in_month('usage_month') }} and next_platform is not null
),

{{ next_level() }}
