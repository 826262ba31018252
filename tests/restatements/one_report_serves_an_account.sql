-- Two reports that cover the same payer, account and billing period would count it twice: say in
-- the seed `reports` which of them serves.

select
    assemblies.billing_period,
    summaries.payer_account_id,
    summaries.account_id,
    min(assemblies.report) as one_report,
    max(assemblies.report) as another_report
from {{ ref('stg_aws_cur__deliveries') }} as assemblies
inner join {{ refreshed(ref('stg_aws_cur__summaries')) }} as summaries
    on assemblies.assembly_id = summaries.assembly_id
where assemblies.is_serving
group by assemblies.billing_period, summaries.payer_account_id, summaries.account_id
having min(assemblies.report) <> max(assemblies.report)
