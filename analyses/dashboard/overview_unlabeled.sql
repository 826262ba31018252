-- What no rule labels yet, in the last 28 complete days.

select
    sum(case when spend.lyft_label = 'unlabeled' then spend.spend else 0 end) as unlabeled_spend,
    sum(spend.spend) as spend
from {{ ref('daily_spend') }} as spend
inner join {{ ref('time_spine') }} as spine on spend.usage_date = spine.date_day
where spine.days_back <= 28 and not spend.is_period_charge
