-- What each service spent in the last 28 complete days and in the 28 days before.

with

{{ compared_spend(['lyft_label']) }}

select
    lyft_label as service,
    spend,
    previous_spend
from compared
order by spend desc, service asc
