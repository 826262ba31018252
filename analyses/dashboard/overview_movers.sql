-- Whose spend changed most, by at least ten dollars: the last 28 complete days and the 28 days
-- before.

with

{{ compared_spend(['lyft_label']) }}

select
    lyft_label as service,
    spend,
    previous_spend,
    spend - previous_spend as moved_by
from compared
where abs(spend - previous_spend) >= 10
order by abs(spend - previous_spend) desc, service asc
limit 15
