-- Whose spend changed most, by at least 10: the last 28 complete days and the 28 days
-- before.

with

{{ compared_spend(['lyft_label']) }}

select
    lyft_label as service,
    spend,
    previous_spend,
    spend_change,
    percent_change
from compared
where abs(spend_change) >= 10
order by abs(spend_change) desc, service asc
limit 15
