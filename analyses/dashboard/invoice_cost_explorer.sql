-- Why true cost is not what Cost Explorer and CUDOS say, all payers: the newest billing period but
-- one, which has ended, or the only one. docs/cost-explorer.md has more on each difference.

with

{{ month_of_bills('cost_explorer_bridge') }},

items as (
    select
        bridge.billing_period,
        bridge.bridge_item,
        bridge.item_order,
        sum(bridge.amount) as amount
    from {{ ref('cost_explorer_bridge') }} as bridge
    inner join shown_month on bridge.billing_period = shown_month.billing_period
    group by bridge.billing_period, bridge.bridge_item, bridge.item_order
),

worded (bridge_item, step, what_is_different) as (
    values
    (
        'aws_amortized_cost',
        'Cost Explorer, amortized',
        'AWS''s formula over your bill: covered usage at its effective cost, fees at what'
        || ' was unused,'
        || ' all else unblended.'
    ),
    (
        'discounts_as_columns',
        'Discounts in columns',
        'AWS adds up unblended costs. A discount that is a column, and no line of its'
        || ' own, is not in'
        || ' them, and is on your invoice.'
    ),
    (
        'discounts_on_upfront_fees',
        'Discounts on upfront fees',
        'The discount line on an upfront fee lowers AWS''s month of the purchase, whose'
        || ' fee it counts'
        || ' as 0. Here it lowers the hours of the term.'
    ),
    (
        'amortized_discounts_on_upfront_fees',
        'The same, over the term',
        'The same discounts on upfront fees, in the months of the term.'
    ),
    (
        'refunds_of_upfront_fees',
        'Refunds of upfront fees',
        'AWS counts the refund of a fee that it counted as 0. Here neither is a cost.'
    ),
    (
        'unapplied_discounts',
        'Discounts of other hours',
        'What a discount line and the net costs disagree by in time.'
    ),
    (
        'unused_reservations_on_their_fee',
        'Unused reservations, by fee',
        'AWS has what was unused of a reservation on the day of the month''s fee: taken off here.'
    ),
    (
        'unused_reservations_in_their_hours',
        'Unused reservations, by hour',
        'The same costs, in the hours that wasted them.'
    ),
    (
        'fees_without_costs',
        'Fees without costs',
        'The monthly fee of a reservation whose costs AWS does not say, such as a'
        || ' Dedicated Host''s,'
        || ' is not in AWS''s formula. Here it is a fee.'
    ),
    (
        'amortized_prepayments',
        'Amortized prepayments',
        'AWS counts neither an upfront fee that it does not amortize nor any part of it. Here it is'
        || ' spread over its term.'
    ),
    (
        'commitments_to_come',
        'Hours to come',
        'AWS counts as unused what the fees of an open month pay for hours that have not happened.'
        || ' Here it is no cost yet.'
    ),
    (
        'aws_rounding',
        'Rounding by AWS',
        'The digits by which AWS''s net and gross columns disagree.'
    ),
    (
        'left_out',
        'Left out',
        'A payer''s period that cannot be right, and is in no mart: the closed months'
        || ' below say why.'
    ),
    ('unexplained', 'Unexplained', 'What has no name: 0.'),
    ('true_cost', 'True cost', 'What every page here splits.')
)

select
    worded.step,
    items.amount,
    worded.what_is_different,
    items.billing_period,
    items.bridge_item in ('aws_amortized_cost', 'true_cost') as is_total
from items
inner join worded on items.bridge_item = worded.bridge_item
where
    items.amount <> 0
    or items.bridge_item in ('aws_amortized_cost', 'unexplained', 'true_cost')
order by items.item_order asc
