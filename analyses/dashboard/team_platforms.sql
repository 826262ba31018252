-- Through which platform the services of a team spend, day by day, last 30 complete days, with the
-- owners of today.

select
    spend.usage_date,
    spend.current_team as team,
    coalesce(spend.platform || ': ' || spend.sub_platform, 'directly') as platform,
    sum(spend.spend) as spend
from {{ ref('daily_spend') }} as spend
inner join {{ ref('time_spine') }} as spine on spend.usage_date = spine.date_day
where spine.days_back <= 30 and not spend.is_period_charge
group by spend.usage_date, spend.current_team, spend.platform, spend.sub_platform
order by spend.usage_date asc, spend desc
