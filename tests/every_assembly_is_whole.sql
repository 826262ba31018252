-- What a billing period is read from is all of what was delivered: the lines and the dollars that
-- were counted in the files when they landed. `dbt build` prices no line before that is known.
-- depends_on: {{ ref('stg_aws_cur__line_items') }}
{{ after_months() }}

with

deliveries as (
    select * from {{ refreshed(ref('stg_aws_cur__deliveries'), 'billing_period') }}
    where is_current
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
    deliveries.assembly_id,
    deliveries.report,
    deliveries.billing_period,
    deliveries.line_count as lines_of_files,
    landed.line_count as lines_landed,
    delivered.unblended_cost as cost_of_files,
    landed.unblended_cost as cost_landed
from deliveries
left join landed on deliveries.assembly_id = landed.assembly_id
left join delivered on deliveries.assembly_id = delivered.assembly_id
where
    deliveries.line_count <> coalesce(landed.line_count, 0)
    or deliveries.line_count <> coalesce(delivered.line_count, 0)
    or coalesce(landed.unblended_cost, 0) <> coalesce(delivered.unblended_cost, 0)
