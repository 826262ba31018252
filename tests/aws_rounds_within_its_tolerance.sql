-- What AWS's own sums disagree by is rounding: at most a millionth of the gross. Where it is
-- more, a cost was changed or is missing, and nobody can tell the true cost of the month. A month
-- that AWS has not invoiced yet is still moving; there, AWS's identities only warn.

with

line_items as (
    select * from {{ refreshed(ref('stg_aws_cur__line_items')) }}
),

gross as (
    select
        billing_period,
        payer_account_id,
        sum(abs(unblended_cost)) as gross_cost,
        count(*) as line_count
    from line_items
    group by billing_period, payer_account_id
    having min(invoice_id) <> ''
)

select
    bridge.billing_period,
    bridge.payer_account_id,
    bridge.amount
from {{ refreshed(ref('invoice_bridge')) }} as bridge
inner join gross
    on
        bridge.billing_period = gross.billing_period
        and bridge.payer_account_id = gross.payer_account_id
where
    bridge.bridge_item = 'aws_rounding'
    and abs(bridge.amount) > {{ aws_tolerance('gross.gross_cost', 'gross.line_count') }}
