-- How much of the spend has no owner yet, week by week: without a label, unattributed by a
-- platform, or with a label that no team owns. Charges for a whole month, such as credits and
-- support, would all fall in one week: they are left out. A week is complete if all of its seven
-- days are.

select
    cast(date_trunc('week', spend.usage_date) as date) as week_from,
    count(distinct case when spine.is_complete then spend.usage_date end) = 7 as is_complete,
    sum(case when spend.lyft_label = 'unlabeled' then spend.spend else 0 end) as unlabeled_spend,
    sum(case when spend.lyft_label = 'unattributed' then spend.spend else 0 end)
        as unattributed_spend,
    sum(case when spend.current_team = 'unassigned' then spend.spend else 0 end)
        as unassigned_spend,
    sum(spend.spend) as spend
from {{ ref('daily_spend') }} as spend
left join {{ ref('time_spine') }} as spine on spend.usage_date = spine.date_day
where not spend.is_period_charge
group by cast(date_trunc('week', spend.usage_date) as date)
order by week_from asc
