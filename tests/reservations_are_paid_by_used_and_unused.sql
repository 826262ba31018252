-- AWS's fourth identity: what a reservation costs in a billing period, its recurring fee and the
-- part of the upfront payment that falls on it, is what its usage paid and what was unused.
{{ config(severity='warn') }}

select
    billing_period,
    payer_account_id,
    reservation_id,
    sum(
        case when line_item_type = 'RIFee' then unblended_cost else 0 end
        + coalesce(reservation_amortized_upfront_cost, 0)
    ) as reservation_cost,
    sum(
        coalesce(reservation_effective_cost, 0)
        + coalesce(reservation_unused_upfront_cost, 0)
        + coalesce(reservation_unused_recurring_cost, 0)
    ) as used_and_unused_cost
from {{ refreshed(ref('stg_aws_cur__line_items')) }}
where line_item_type in ('DiscountedUsage', 'RIFee') and reservation_id <> ''
group by billing_period, payer_account_id, reservation_id
having
    abs(
        sum(
            case when line_item_type = 'RIFee' then unblended_cost else 0 end
            + coalesce(reservation_amortized_upfront_cost, 0)
            - coalesce(reservation_effective_cost, 0)
            - coalesce(reservation_unused_upfront_cost, 0)
            - coalesce(reservation_unused_recurring_cost, 0)
        )
    )
    > {{ aws_tolerance('sum(abs(coalesce(reservation_effective_cost, 0)))', 'count(*)') }}
