-- Which months of usage each billing period has charges for, with the first and last hour.

with

assembly_months as (
    select * from {{ ref('stg_aws_cur__assembly_months') }}
),

deliveries as (
    select * from {{ ref('stg_aws_cur__deliveries') }}
    where is_current
),

statement_months as (
    select * from {{ ref('stg_focus__statement_months') }}
),

statements as (
    select * from {{ ref('stg_focus__statements') }}
    where is_current
),

bill_months as (
    select
        assembly_months.billing_period,
        assembly_months.usage_month,
        assembly_months.first_hour,
        assembly_months.last_hour,
        assembly_months.end_hour,
        assembly_months.usage_first_hour,
        assembly_months.usage_end_hour,
        assembly_months.usage_last_hour
    from assembly_months
    inner join deliveries on assembly_months.assembly_id = deliveries.assembly_id
    union all
    select
        statement_months.billing_period,
        statement_months.usage_month,
        statement_months.first_hour,
        statement_months.last_hour,
        statement_months.end_hour,
        statement_months.usage_first_hour,
        statement_months.usage_end_hour,
        statement_months.usage_last_hour
    from statement_months
    inner join statements on statement_months.statement_id = statements.statement_id
)

select
    -- which months
    billing_period,
    usage_month,

    -- when
    min(first_hour) as first_hour,
    max(last_hour) as last_hour,
    max(end_hour) as end_hour,
    min(usage_first_hour) as usage_first_hour,
    max(usage_end_hour) as usage_end_hour,
    max(usage_last_hour) as usage_last_hour
from bill_months
group by billing_period, usage_month
