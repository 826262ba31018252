-- From the invoice to true_cost, all payers, of the newest billing period but one, or the only one.

with

{{ month_of_bills('invoice_bridge') }},

items as (
    select
        bridge.billing_period,
        bridge.bridge_item,
        bridge.item_order,
        sum(bridge.amount) as amount
    from {{ ref('invoice_bridge') }} as bridge
    inner join shown_month on bridge.billing_period = shown_month.billing_period
    group by bridge.billing_period, bridge.bridge_item, bridge.item_order
),

worded (bridge_item, step, what_it_is) as (
    values
    ('invoice', 'Invoice', 'What AWS bills: the sum of the delivered files when they landed.'),
    ('cast_digits', 'Digits beyond the tenth', 'What rounding each line to ten digits moves.'),
    ('ri_used', 'Reservations used', 'Usage that reservations cover, at what it cost.'),
    ('sp_used', 'Savings plans used', 'Usage that savings plans cover, at what it cost.'),
    (
        'sp_negation',
        'Savings plan negation',
        'The lines by which AWS takes the on-demand price of covered usage off the bill.'
    ),
    (
        'ri_upfront_fee',
        'Upfront fees of reservations',
        'Paid in this month: taken off, since the hours of the term carry them.'
    ),
    (
        'sp_upfront_fee',
        'Upfront fees of savings plans',
        'Paid in this month: taken off, since the hours of the term carry them.'
    ),
    (
        'ri_recurring_fee',
        'Monthly fees of reservations',
        'Taken off where usage carries them; what was unused stays, under a label of its own.'
    ),
    (
        'sp_recurring_fee',
        'Hourly fees of savings plans',
        'Taken off where usage carries them; what was unused stays, under a label of its own.'
    ),
    ('prepayment_refund', 'Refunds of upfront fees', 'No cost of this month.'),
    (
        'amortized_prepayment',
        'Amortized prepayments',
        'The part of this month of upfront fees that AWS does not amortize itself.'
    ),
    (
        'discount_timing',
        'Discounts of other hours',
        'What a discount line and the net costs disagree by in time.'
    ),
    (
        'commitment_to_come',
        'Hours to come',
        'What fees of an open month pay for hours that have not happened yet.'
    ),
    (
        'aws_rounding',
        'Rounding by AWS',
        'The digits by which sums that AWS defines as equal disagree.'
    ),
    (
        'left_out',
        'Left out',
        'A payer''s period that cannot be right, and is in no mart: the closed months'
        || ' below say why.'
    ),
    ('unexplained', 'Unexplained', 'What no step explains: 0, or no mart is published.'),
    ('true_cost', 'True cost', 'What every page here splits.')
)

select
    worded.step,
    items.amount,
    worded.what_it_is,
    items.billing_period,
    items.bridge_item in ('invoice', 'true_cost') as is_total
from items
inner join worded on items.bridge_item = worded.bridge_item
where items.amount <> 0 or items.bridge_item in ('invoice', 'true_cost', 'unexplained')
order by items.item_order asc
