-- What the files of the statements in use added up to when they landed, per provider.
{{ config(materialized='view', meta={'month': 'billing_period'}) }}

with

control_totals as (
    select * from {{ source('focus', 'control_totals') }}
),

statements as (
    select * from {{ ref('stg_focus__statements') }}
)

select
    -- ids
    statements.billing_period,
    control_totals.provider,
    statements.billing_account_id,

    -- how much
    cast(sum(control_totals.line_count) as bigint) as line_count,

    -- what it costs
    cast(sum(control_totals.billed_cost) as decimal(38, 18)) as billed_cost,
    cast(sum(control_totals.effective_cost) as decimal(38, 18)) as effective_cost,
    cast(sum(control_totals.landed_billed_cost) as decimal(38, 18)) as landed_billed_cost,
    cast(sum(control_totals.landed_effective_cost) as decimal(38, 18)) as landed_effective_cost
from control_totals
inner join statements on control_totals.statement_id = statements.statement_id
where statements.is_current
group by statements.billing_period, control_totals.provider, statements.billing_account_id
