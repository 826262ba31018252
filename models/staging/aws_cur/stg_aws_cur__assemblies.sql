-- The deliveries, and whether the warehouse holds all of each: the lines and the dollars that were
-- counted in the files when it landed. What this build makes nothing of was whole when it was
-- made: a build in which it is not fails.
{{ config(materialized='table', meta={'stage': 'priced', 'by': 'billing_period'}) }}
{{ waits_for('priced') }}

with

deliveries as (
    select * from {{ ref('stg_aws_cur__deliveries') }}
),

counted as (
    select
        assembly_id,
        billing_period
    from {{ rebuilt(ref('stg_aws_cur__deliveries')) }}
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
    inner join counted on {{ is_line_of('counted') }}
    group by line_items._assembly_id
)

select
    -- ids
    deliveries.assembly_id,
    deliveries.report,
    deliveries.billing_period,

    -- what it holds
    deliveries.format,
    deliveries.files,
    deliveries.bytes,
    deliveries.line_count,
    deliveries.grain_hours,
    deliveries.is_newest,
    deliveries.is_closed,
    deliveries.is_serving,
    case
        when counted.assembly_id is null then deliveries.is_serving
        else
            deliveries.line_count = coalesce(landed.line_count, 0)
            and deliveries.line_count = coalesce(delivered.line_count, 0)
            and coalesce(landed.unblended_cost, 0) = coalesce(delivered.unblended_cost, 0)
    end as is_whole,

    -- when
    deliveries.manifest_time,
    deliveries.landed_at
from deliveries
left join counted on deliveries.assembly_id = counted.assembly_id
left join landed on deliveries.assembly_id = landed.assembly_id
left join delivered on deliveries.assembly_id = delivered.assembly_id
