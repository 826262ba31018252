-- Where every payer of a billing period would be left out, the build stops: what was published
-- before is better than nothing.

with

left_out as (
    select * from {{ refreshed(ref('int_periods_left_out')) }}
),

payers as (
    select
        billing_period,
        count(*) as payer_count
    from {{ refreshed(ref('stg_aws_cur__control_totals'), 'billing_period') }}
    group by billing_period
),

gone as (
    select
        billing_period,
        count(*) as payer_count
    from left_out
    group by billing_period
)

select
    left_out.billing_period,
    left_out.payer_account_id,
    left_out.billed_cost,
    left_out.reason,
    left_out.evidence
from left_out
inner join gone on left_out.billing_period = gone.billing_period
inner join payers on gone.billing_period = payers.billing_period
where gone.payer_count >= payers.payer_count
order by left_out.billing_period, left_out.payer_account_id
