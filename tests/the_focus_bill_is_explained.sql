-- The bridge of a bill in FOCUS closes to exactly 0, and what it comes to is what the mart
-- true_cost has of its account and billing period, beside a report of AWS of the same account.

with

bridge as (
    select * from {{ refreshed(ref('focus_bridge')) }}
),

true_costs as (
    select
        billing_period,
        payer_account_id,
        sum(true_cost) as true_cost
    from {{ refreshed(ref('true_cost')) }}
    group by billing_period, payer_account_id
),

billed as (
    select
        billing_period,
        payer_account_id,
        sum(amount) as true_cost
    from bridge
    where bridge_item = 'true_cost'
    group by billing_period, payer_account_id
),

reported as (
    select
        billing_period,
        payer_account_id,
        amount as true_cost
    from {{ refreshed(ref('invoice_bridge')) }}
    where bridge_item = 'true_cost'
),

compared as (
    select
        billed.billing_period,
        billed.payer_account_id,
        billed.true_cost + coalesce(reported.true_cost, 0) - coalesce(true_costs.true_cost, 0)
            as difference
    from billed
    left join reported
        on
            billed.billing_period = reported.billing_period
            and billed.payer_account_id = reported.payer_account_id
    left join true_costs
        on
            billed.billing_period = true_costs.billing_period
            and billed.payer_account_id = true_costs.payer_account_id
)

select
    billing_period,
    payer_account_id,
    provider as problem,
    amount
from bridge
where bridge_item = 'unexplained' and amount <> 0
union all
select
    billing_period,
    payer_account_id,
    'true_cost has another amount' as problem,
    difference as amount
from compared
where difference <> 0
