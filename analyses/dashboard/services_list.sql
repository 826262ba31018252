-- What each service spent in the last 28 complete days and in the 28 days before.

with

{{ compared_spend(['lyft_label', 'current_team']) }}

select
    lyft_label as service,
    current_team as team,
    spend,
    previous_spend,
    spend_change,
    percent_change
from compared
order by spend desc, service asc
