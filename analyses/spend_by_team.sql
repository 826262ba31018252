-- What each team of an org spends, month by month, with the owners of today: earlier spend of a
-- label that has moved is that of its present team.

select
    date_trunc('month', usage_date) as month_from,
    current_org as org,
    current_team as team,
    sum(spend) as spend
from {{ ref('daily_spend') }}
group by date_trunc('month', usage_date), current_org, current_team
order by month_from asc, spend desc
