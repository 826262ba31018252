-- Where AWS delivers net costs, they are the unblended costs with the negotiated discounts taken
-- off, whether those are lines of their own or columns. If they are not, nobody can tell which of
-- the two is the invoice, and the build stops. (Where no discount is delivered at all, there is
-- nothing to compare.)

select
    billing_period,
    payer_account_id,
    sum(net_unblended_cost) as net_unblended_cost,
    sum(unblended_cost) as unblended_cost,
    sum(discount_cost) as discount_cost
from {{ ref('stg_aws_cur__line_items') }}
where has_net_costs
group by billing_period, payer_account_id
having
    (count(discount_cost) > 0 or count(case when line_item_type like '%Discount' then 1 end) > 0)
    and abs(
        sum(
            case
                when is_negotiated_discount then coalesce(net_unblended_cost, 0)
                else coalesce(net_unblended_cost, unblended_cost)
            end
        )
        - sum(unblended_cost)
        - coalesce(sum(discount_cost), 0)
    )
    > {{ aws_tolerance('sum(abs(unblended_cost))', 'count(*)') }}
