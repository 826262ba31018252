-- What each team spent in the last 28 complete days and in the 28 days before.

with

{{ compared_spend(['current_team']) }}

select
    current_team as team,
    spend,
    previous_spend
from compared
order by spend desc, team asc
