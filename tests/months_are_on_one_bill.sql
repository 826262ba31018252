-- A month of an AWS payer that both a Cost and Usage Report and a bill in FOCUS tell is read from
-- the report, which says more, and the bill in FOCUS is left aside: said with both names.
{{ config(severity='warn') }}

select
    billing_period,
    billing_account_id as payer_account_id,
    report as used_report,
    folder as unused_folder,
    provider
from {{ ref('stg_focus__statements') }}
where is_newest and report is not null
order by billing_period, payer_account_id, unused_folder
