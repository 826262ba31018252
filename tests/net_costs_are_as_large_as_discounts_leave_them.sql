-- Where no discount is delivered, net costs may still have one taken off, but no negotiated
-- discount takes nine tenths off a whole bill. Where net costs are all 0, as if there were none, no
-- discount may be delivered as a column beside them. Else nobody can tell what the invoice is: the
-- build stops, with what the columns add up to.

with

sums as (
    select
        billing_period,
        payer_account_id,
        has_net_costs,
        sum(coalesce(net_unblended_cost, unblended_cost)) as net_unblended_cost,
        sum(unblended_cost) as unblended_cost,
        coalesce(sum(discount_cost), 0) as discount_cost,
        count(net_unblended_cost) as lines_with_net,
        count(discount_cost)
        + count(case when is_negotiated_discount then 1 end) as lines_with_discounts
    from {{ refreshed(ref('stg_aws_cur__line_items')) }}
    group by billing_period, payer_account_id, has_net_costs
)

select
    billing_period,
    payer_account_id,
    unblended_cost,
    net_unblended_cost,
    discount_cost,
    'have AWS correct the report, load it and build again' as what_to_do
from sums
where
    (
        has_net_costs
        and lines_with_discounts = 0
        and unblended_cost > 0
        and net_unblended_cost * 10 < unblended_cost
    )
    or (not has_net_costs and lines_with_net > 0 and discount_cost <> 0)
