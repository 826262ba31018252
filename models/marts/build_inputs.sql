-- The deliveries of the bill that the marts were built from: which one of each payer and billing
-- period, with its rows and costs.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

with

assemblies as (
    select * from {{ ref('stg_aws_cur__deliveries') }}
    where {{ in_month('billing_period') }} and is_current
),

control_totals as (
    select * from {{ ref('stg_aws_cur__control_totals') }}
    where {{ in_month('billing_period') }}
),

summaries as (
    select * from {{ ref('stg_aws_cur__summaries') }}
    where {{ in_month('billing_period') }}
),

statements as (
    select * from {{ ref('stg_focus__statements') }}
    where {{ in_month('billing_period') }} and is_current
),

statement_totals as (
    select * from {{ ref('stg_focus__control_totals') }}
    where {{ in_month('billing_period') }}
)

select
    -- when
    assemblies.billing_period,
    assemblies.manifest_time as delivered_at,
    assemblies.landed_at,

    -- how much
    cast(sum(summaries.unblended_cost) as decimal(38, 18)) as billed_cost,
    cast(sum(summaries.line_count) as bigint) as row_count,

    -- who
    summaries.payer_account_id,

    -- which delivery
    control_totals.currency,
    'aws_cur' as source_name,
    assemblies.report,
    assemblies.assembly_id as delivery_id
from assemblies
inner join summaries on assemblies.assembly_id = summaries.assembly_id
left join control_totals
    on
        assemblies.billing_period = control_totals.billing_period
        and summaries.payer_account_id = control_totals.payer_account_id
group by
    assemblies.billing_period,
    assemblies.manifest_time,
    assemblies.landed_at,
    summaries.payer_account_id,
    control_totals.currency,
    assemblies.report,
    assemblies.assembly_id
union all
select
    -- when
    statements.billing_period,
    statements.delivered_at,
    statements.landed_at,

    -- how much
    cast(statement_totals.billed_cost as decimal(38, 18)) as billed_cost,
    cast(statements.line_count as bigint) as row_count,

    -- who
    statements.billing_account_id as payer_account_id,

    -- which delivery
    statements.currency,
    'focus' as source_name,
    statements.folder as report,
    statements.statement_id as delivery_id
from statements
inner join statement_totals
    on
        statements.billing_period = statement_totals.billing_period
        and statements.provider = statement_totals.provider
        and statements.billing_account_id = statement_totals.billing_account_id
