-- The totals of every assembly that ever landed, by account and tag set. Kept when the lines of a
-- superseded assembly are pruned.
{{ config(materialized='view', meta={'month': 'billing_period'}) }}
{{ after_months() }}

with

summaries as (
    select * from {{ source('aws_cur', 'summaries') }}
),

assemblies as (
    select * from {{ ref('stg_aws_cur__deliveries') }}
)

select
    -- ids
    assemblies.billing_period,
    summaries.assembly_id,
    summaries.payer_account_id,
    summaries.account_id,
    summaries.tags,

    -- how much
    summaries.line_count,

    -- what AWS says it cost
    summaries.unblended_cost,
    summaries.net_unblended_cost
from summaries
inner join assemblies on summaries.assembly_id = assemblies.assembly_id
