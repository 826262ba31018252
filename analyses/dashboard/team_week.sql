-- What changed for a team since last week: by service and platform, the last 7 complete days and
-- the 7 days before.

with

{{ compared_spend(['current_team', 'lyft_label', 'platform', 'sub_platform'], days=7) }}

select
    current_team as team,
    lyft_label as service,
    coalesce(platform || ': ' || sub_platform, 'directly') as platform,
    spend,
    previous_spend,
    spend_change,
    percent_change
from compared
order by coalesce(abs(spend_change), spend) desc, service asc, platform asc
