-- The deliveries, and whether the warehouse has all of each: the lines and dollars that were
-- counted in its files when it landed.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

with

deliveries as (
    select * from {{ ref('stg_aws_cur__deliveries') }}
    where {{ in_month('billing_period') }}
),

delivered as (
    select
        assembly_id,
        sum(line_count) as line_count,
        sum(landed_unblended_cost) as unblended_cost
    from {{ source('aws_cur', 'control_totals') }}
    group by assembly_id
),

landed as (
    select
        line_items._assembly_id as assembly_id,
        count(*) as line_count,
        sum(line_items.line_item_unblended_cost) as unblended_cost
    from {{ source('aws_cur', 'line_items') }} as line_items
    inner join deliveries on {{ in_assembly('deliveries') }}
    group by line_items._assembly_id
)

select
    -- ids
    deliveries.assembly_id,
    deliveries.report,
    deliveries.billing_period,

    -- what it contains
    deliveries.format,
    deliveries.files,
    deliveries.bytes,
    deliveries.line_count,
    deliveries.grain_hours,
    deliveries.is_newest,
    deliveries.is_closed,
    deliveries.is_current,
    deliveries.line_count = coalesce(landed.line_count, 0)
    and deliveries.line_count = coalesce(delivered.line_count, 0)
    and coalesce(landed.unblended_cost, 0) = coalesce(delivered.unblended_cost, 0) as is_whole,

    -- when
    deliveries.manifest_time,
    deliveries.landed_at
from deliveries
left join landed on deliveries.assembly_id = landed.assembly_id
left join delivered on deliveries.assembly_id = delivered.assembly_id
