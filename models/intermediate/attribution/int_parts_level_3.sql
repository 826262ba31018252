-- The parts of level 2 that belong to another platform, split again.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

with

below as (
    {{ handed_on(ref('int_parts_level_2')) }}
),

{{ next_level() }}
