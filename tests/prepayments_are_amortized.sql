-- An upfront fee that AWS amortizes on no bill: it is spread straight over its term where a bill
-- says it, and otherwise stays where it is, in the month of the purchase.
{{ config(severity='warn') }}

select
    payer_account_id,
    reservation_id,
    billing_period,
    prepaid_cost,
    case
        when is_awaited
            then 'no cost yet: AWS amortizes such fees, and nothing but the fee has landed'
        when term_until is null
            then 'no bill says its term: it is all a cost of the month of the purchase'
        else 'it is spread straight over its term'
    end as what_is_done,
    term_from,
    term_until
from {{ ref('int_unamortized_prepayments') }}
