-- Who is on each sub-platform, last 28 complete days: the last platform that split the spend.

select
    spend.platform,
    spend.sub_platform,
    spend.lyft_label as service,
    sum(spend.spend) as spend
from {{ ref('daily_spend') }} as spend
inner join {{ ref('time_spine') }} as spine on spend.usage_date = spine.date_day
where spine.days_back <= 28 and spend.platform is not null
group by spend.platform, spend.sub_platform, spend.lyft_label
order by spend desc, service asc
limit 200
