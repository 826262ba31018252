-- The statements that landed, and which of them a billing account's period is read from: the newest
-- one. What a Cost and Usage Report says of the same month of the same AWS payer is used instead,
-- since it says more; a bill is AWS's if it has charges of AWS or Amazon. Read from the ledgers
-- alone, so that it is known before any charge is.

with

statements as (
    select * from {{ source('focus', 'statements') }}
),

loads as (
    select * from {{ source('focus', '_dlt_loads') }}
),

of_aws as (
    select distinct statement_id
    from {{ source('focus', 'control_totals') }}
    where lower(provider) like 'aws%' or lower(provider) like 'amazon%'
),

reports as (
    select
        deliveries.billing_period,
        control_totals.payer_account_id,
        min(deliveries.report) as report
    from {{ ref('stg_aws_cur__deliveries') }} as deliveries
    inner join {{ source('aws_cur', 'control_totals') }} as control_totals
        on deliveries.assembly_id = control_totals.assembly_id
    where deliveries.is_current
    group by deliveries.billing_period, control_totals.payer_account_id
),

newest_first as (
    select
        statements.*,
        row_number() over (
            partition by
                statements.provider,
                statements.billing_account_id,
                statements.billing_period_start
            order by
                statements.delivered_at desc,
                statements.landed_at desc,
                statements.statement_id asc
        ) as age
    from statements
    inner join loads on statements._dlt_load_id = loads.load_id
    where loads.status = 0
)

select
    -- ids
    newest_first.statement_id,
    newest_first.provider,
    newest_first.billing_account_id,
    newest_first.billing_period,

    -- what it holds
    newest_first.folder,
    newest_first.line_count,
    newest_first.billing_currency as currency,
    newest_first.age = 1 as is_newest,
    newest_first.age = 1 and reports.report is null as is_current,
    reports.report,

    -- when
    newest_first.delivered_at,
    newest_first.landed_at
from newest_first
left join of_aws on newest_first.statement_id = of_aws.statement_id
left join reports
    on
        of_aws.statement_id is not null
        and newest_first.billing_period = reports.billing_period
        and newest_first.billing_account_id = reports.payer_account_id
