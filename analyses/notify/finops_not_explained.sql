-- Payers' billing periods that are left out of the marts, because they contradict themselves, and
-- invoices that the bridge to true_cost does not explain to the last digit.

with

bill as (
    select max(usage_date) as last_day
    from {{ ref('daily_spend') }}
)

select
    'finops' as recipient,
    concat(
        bridge.payer_account_id, ', ', bridge.billing_period, ', ', bridge.bridge_item
    ) as problem,
    bill.last_day as happened_on,
    abs(bridge.amount) as spend,
    bridge.payer_account_id,
    bridge.billing_period,
    replace(bridge.bridge_item, '_', ' ') as item
from {{ ref('invoice_bridge') }} as bridge
cross join bill
where bridge.bridge_item in ('left_out', 'unexplained') and bridge.amount <> 0
