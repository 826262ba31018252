-- The priced charges with their negotiated discounts, of the payers and billing periods that can be
-- right. Each table is named where it is read: whoever asks for a month reads nothing else of it.
{{ config(materialized='view', meta={'month': 'billing_period'}) }}

select costed.*
from {{ ref('int_charges_costed') }} as costed
left join {{ ref('int_periods_left_out') }} as left_out
    on
        costed.billing_period = left_out.billing_period
        and costed.payer_account_id = left_out.payer_account_id
where left_out.billing_period is null
