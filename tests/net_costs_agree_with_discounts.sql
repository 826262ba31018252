-- Where AWS delivers net costs, they are the unblended costs with the negotiated discounts taken
-- off, whether those are lines of their own or columns. If they are not, nobody can tell which of
-- the two is the invoice. The build stops, and what was published before stays: to leave the period
-- out would lose its dollars, and to guess would make some up. (Where no discount is delivered at
-- all, there is nothing to compare.)

with

sums as (
    select
        billing_period,
        payer_account_id,
        sum(
            case
                when is_negotiated_discount then coalesce(net_unblended_cost, 0)
                else coalesce(net_unblended_cost, unblended_cost)
            end
        ) as net_unblended_cost,
        sum(unblended_cost) + coalesce(sum(discount_cost), 0) as unblended_cost_and_discounts,
        sum(abs(unblended_cost)) as gross_cost,
        count(*) as line_count
    from {{ refreshed(ref('stg_aws_cur__line_items')) }}
    where has_net_costs
    group by billing_period, payer_account_id
    having
        count(discount_cost) > 0
        or count(case when is_negotiated_discount then 1 end) > 0
)

select
    billing_period,
    payer_account_id,
    net_unblended_cost,
    unblended_cost_and_discounts,
    net_unblended_cost - unblended_cost_and_discounts as difference,
    'have AWS correct the report, load it and build again' as what_to_do
from sums
where
    abs(net_unblended_cost - unblended_cost_and_discounts)
    > {{ aws_tolerance('gross_cost', 'line_count') }}
