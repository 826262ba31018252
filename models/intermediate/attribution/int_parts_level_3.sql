-- The parts that level 2 hands on, split again.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

with

below as (
    {{ handed_on(ref('int_parts_level_2')) }}
),

{{ next_level() }}
