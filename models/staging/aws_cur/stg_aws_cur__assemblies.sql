-- The deliveries that a report's billing periods are read from. Of each period the newest assembly
-- serves, by the time of its manifest, and only if the warehouse holds all of it: the lines and
-- the dollars that were counted in the files when it landed.
{{ config(materialized='table') }}

with

assemblies as (
    select * from {{ source('aws_cur', 'assemblies') }}
),

loads as (
    select * from {{ source('aws_cur', '_dlt_loads') }}
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
        _assembly_id as assembly_id,
        count(*) as line_count,
        sum(line_item_unblended_cost) as unblended_cost
    from {{ source('aws_cur', 'line_items') }}
    group by _assembly_id
),

newest_first as (
    select
        assemblies.assembly_id,
        row_number() over (
            partition by assemblies.report, assemblies.billing_period
            order by
                assemblies.manifest_time desc,
                assemblies.landed_at desc,
                assemblies.assembly_id asc
        ) as age
    from assemblies
    inner join loads on assemblies._dlt_load_id = loads.load_id
    where loads.status = 0
)

select
    -- ids
    assemblies.assembly_id,
    assemblies.report,
    assemblies.billing_period,

    -- what it holds
    assemblies.format,
    assemblies.files,
    assemblies.bytes,
    assemblies.line_count,
    assemblies.grain_hours,
    newest_first.age = 1 as is_newest,
    assemblies.line_count = coalesce(landed.line_count, 0)
    and assemblies.line_count = coalesce(delivered.line_count, 0)
    and coalesce(landed.unblended_cost, 0) = coalesce(delivered.unblended_cost, 0) as is_whole,

    -- when
    assemblies.manifest_time,
    assemblies.landed_at
from assemblies
inner join newest_first on assemblies.assembly_id = newest_first.assembly_id
left join landed on assemblies.assembly_id = landed.assembly_id
left join delivered on assemblies.assembly_id = delivered.assembly_id
