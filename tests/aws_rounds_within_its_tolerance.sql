-- What AWS's own sums disagree by is rounding: at most a millionth of the gross.
{{ config(severity='warn') }}

with

gross as (
    select
        billing_period,
        payer_account_id,
        sum(abs(unblended_cost)) as gross_cost,
        sum(line_count) as line_count
    from {{ ref('int_charges_priced') }}
    group by billing_period, payer_account_id
)

select
    bridge.billing_period,
    bridge.payer_account_id,
    bridge.amount
from {{ ref('invoice_bridge') }} as bridge
inner join gross
    on
        bridge.billing_period = gross.billing_period
        and bridge.payer_account_id = gross.payer_account_id
where
    bridge.bridge_item = 'aws_rounding'
    and abs(bridge.amount) > {{ aws_tolerance('gross.gross_cost', 'gross.line_count') }}
