-- Billing periods that are not complete: usage of a payer is still to come, or its bill is left
-- out.

select billing_period
from {{ ref('int_hours_to_come') }}
union distinct
select billing_period
from {{ ref('int_periods_left_out') }}
