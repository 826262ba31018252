-- The bridge of a bill in FOCUS closes to exactly 0, and what it comes to is what the mart
-- true_cost has of its account and billing period.

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
    billed.billing_period,
    billed.payer_account_id,
    'true_cost has another amount' as problem,
    billed.true_cost - coalesce(true_costs.true_cost, 0) as amount
from billed
left join true_costs
    on
        billed.billing_period = true_costs.billing_period
        and billed.payer_account_id = true_costs.payer_account_id
where billed.true_cost <> coalesce(true_costs.true_cost, 0)
