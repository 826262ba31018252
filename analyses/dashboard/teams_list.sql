-- What each team spent in the last 28 complete days and in the 28 days before.

with

{{ compared_spend(['current_team', 'current_org']) }}

select
    current_team as team,
    current_org as org,
    spend,
    previous_spend,
    spend_change,
    percent_change
from compared
order by spend desc, team asc
