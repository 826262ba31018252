-- Through which platform a service spends, day by day, last 60 complete days.

select
    spend.usage_date,
    spend.lyft_label as service,
    coalesce(spend.platform || ': ' || spend.sub_platform, 'directly') as platform,
    sum(spend.spend) as spend
from {{ ref('daily_spend') }} as spend
inner join {{ ref('time_spine') }} as spine on spend.usage_date = spine.date_day
where spine.days_back <= 60 and not spend.is_period_charge
group by spend.usage_date, spend.lyft_label, spend.platform, spend.sub_platform
order by spend.usage_date asc, spend desc
