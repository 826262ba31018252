-- What each service of a team spent in the last 28 complete days and in the 28 days before.

with

{{ compared_spend(['current_team', 'lyft_label']) }}

select
    current_team as team,
    lyft_label as service,
    spend,
    previous_spend,
    spend_change,
    percent_change
from compared
order by spend desc, service asc
