-- What each team of an org spends, month by month, with what it owns today: yesterday's spend of a
-- label that has moved stands with the team that has it now.

select
    date_trunc('month', usage_date) as month_from,
    current_org as org,
    current_team as team,
    sum(spend) as spend
from {{ ref('daily_spend') }}
group by date_trunc('month', usage_date), current_org, current_team
order by month_from asc, spend desc
