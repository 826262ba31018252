-- The dataset Billing Period of FOCUS. A month is closed once the bill of every payer was charged
-- back, as the seed `closed_periods` says.
{{ config(materialized='table', schema='focus', enabled=var('focus')) }}

with

payers as (
    select
        totals.billing_period,
        cast(closed_periods.closed_at as timestamp) as closed_at
    from {{ ref('stg_aws_cur__control_totals') }} as totals
    left join {{ ref('closed_periods') }} as closed_periods
        on
            totals.billing_period = closed_periods.billing_period
            and totals.payer_account_id = closed_periods.payer_account_id
),

periods as (
    select
        billing_period,
        count(*) = count(closed_at) as is_closed,
        max(closed_at) as closed_at
    from payers
    group by billing_period
),

deliveries as (
    select
        billing_period,
        min(coalesce(manifest_time, landed_at)) as first_delivered_at,
        max(coalesce(manifest_time, landed_at)) as last_delivered_at
    from {{ ref('stg_aws_cur__deliveries') }}
    group by billing_period
)

select
    -- when
    periods.billing_period,
    cast(concat(periods.billing_period, '-01') as timestamp) as billing_period_start,
    cast(concat(periods.billing_period, '-01') as timestamp) + interval '1' month
        as billing_period_end,
    deliveries.first_delivered_at as billing_period_created,
    case
        when periods.closed_at > deliveries.last_delivered_at then periods.closed_at
        else deliveries.last_delivered_at
    end as billing_period_last_updated,

    -- what
    case when periods.is_closed then 'Closed' else 'Open' end as billing_period_status,
    'AWS' as invoice_issuer_name
from periods
inner join deliveries on periods.billing_period = deliveries.billing_period
