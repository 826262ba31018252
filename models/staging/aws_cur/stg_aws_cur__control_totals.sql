-- The totals of the current assemblies' files when they landed, per payer.
{{ config(materialized='view') }}

with

control_totals as (
    select * from {{ source('aws_cur', 'control_totals') }}
),

deliveries as (
    select * from {{ ref('stg_aws_cur__deliveries') }}
    where is_current
)

select
    -- ids
    deliveries.billing_period,
    control_totals.payer_account_id,

    -- what they are in: a warehouse has one currency
    max(nullif(control_totals.currency_code, '')) as currency,

    -- how much
    sum(control_totals.line_count) as line_count,
    -- Net costs that are all 0 count as absent.
    sum(control_totals.lines_with_net) > 0 as has_net_costs,

    -- what AWS says it cost
    sum(control_totals.unblended_cost) as unblended_cost,
    sum(control_totals.net_unblended_cost) as net_unblended_cost,
    sum(control_totals.unblended_cost_without_net) as unblended_cost_without_net,
    sum(control_totals.landed_unblended_cost) as landed_unblended_cost,
    sum(control_totals.landed_net_unblended_cost) as landed_net_unblended_cost,
    sum(control_totals.landed_unblended_cost_without_net) as landed_unblended_cost_without_net
from control_totals
inner join deliveries on control_totals.assembly_id = deliveries.assembly_id
group by deliveries.billing_period, control_totals.payer_account_id
