-- Who spends what: org, team and service, last 28 complete days, with the owners of today.

select
    spend.current_org as org,
    spend.current_team as team,
    spend.lyft_label as service,
    sum(spend.spend) as spend
from {{ ref('daily_spend') }} as spend
inner join {{ ref('time_spine') }} as spine on spend.usage_date = spine.date_day
where spine.days_back <= 28 and not spend.is_period_charge
group by spend.current_org, spend.current_team, spend.lyft_label
order by spend desc, service asc
