-- Billing periods of which not all is known: of a payer usage is still to come, or its bill is left
-- out.

select billing_period
from {{ ref('int_hours_to_come') }}
union distinct
select billing_period
from {{ ref('int_periods_left_out') }}
