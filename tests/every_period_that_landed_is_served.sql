-- Whatever the seeds say about reports and closed periods, a payer's billing period is on the bill
-- if a report's newest delivery has it. Who is no longer in that has left. Where another payer's
-- report was declared to serve it, each of its accounts is on the bill.

with

served as (
    select
        deliveries.billing_period,
        deliveries.payer_account_id as of_payer,
        deliveries.report,
        summaries.payer_account_id,
        summaries.account_id
    from {{ ref('stg_aws_cur__deliveries') }} as deliveries
    inner join {{ source('aws_cur', 'summaries') }} as summaries
        on deliveries.assembly_id = summaries.assembly_id
    where deliveries.is_current
),

served_payers as (
    select distinct
        billing_period,
        payer_account_id
    from {{ ref('stg_aws_cur__control_totals') }}
),

served_accounts as (
    select distinct
        billing_period,
        account_id
    from served
),

-- Payers that another payer's report serves.
declared as (
    select distinct
        served.billing_period,
        reports.payer_account_id
    from served
    inner join {{ ref('reports') }} as reports
        on
            reports.report in (served.report, concat(served.of_payer, '/', served.report))
            and cast(concat(served.billing_period, '-01') as timestamp)
            >= coalesce(cast(reports.valid_from as timestamp), {{ beginning() }})
            and cast(concat(served.billing_period, '-01') as timestamp)
            < coalesce(cast(reports.valid_until as timestamp), {{ end_of_time() }})
),

landed as (
    select distinct
        deliveries.billing_period,
        control_totals.payer_account_id,
        summaries.account_id
    from {{ source('aws_cur', 'control_totals') }} as control_totals
    inner join {{ ref('stg_aws_cur__deliveries') }} as deliveries
        on control_totals.assembly_id = deliveries.assembly_id
    left join {{ source('aws_cur', 'summaries') }} as summaries
        on
            control_totals.assembly_id = summaries.assembly_id
            and control_totals.payer_account_id = summaries.payer_account_id
    where control_totals.line_count > 0 and deliveries.is_newest
)

select
    landed.billing_period,
    landed.payer_account_id,
    landed.account_id
from landed
left join served_payers
    on
        landed.billing_period = served_payers.billing_period
        and landed.payer_account_id = served_payers.payer_account_id
left join declared
    on
        landed.billing_period = declared.billing_period
        and landed.payer_account_id = declared.payer_account_id
left join served_accounts
    on
        landed.billing_period = served_accounts.billing_period
        and landed.account_id = served_accounts.account_id
where
    served_payers.payer_account_id is null
    and (declared.payer_account_id is null or served_accounts.account_id is null)
order by landed.billing_period, landed.payer_account_id, landed.account_id
