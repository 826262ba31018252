-- How much of the spend has no owner yet, week by week: without a label, unattributed by a
-- platform, or with a label that no team owns. Charges for a whole month, such as credits and
-- support, would all fall in one week: they are left out. A week of fewer than seven days is not
-- comparable with others.

select
    date_trunc('week', usage_date) as week_from,
    count(distinct usage_date) as days_billed,
    sum(case when lyft_label = 'unlabeled' then spend else 0 end) as unlabeled_spend,
    sum(case when lyft_label = 'unattributed' then spend else 0 end) as unattributed_spend,
    sum(case when current_team = 'unassigned' then spend else 0 end) as unassigned_spend,
    sum(spend) as spend
from {{ ref('daily_spend') }}
where not is_period_charge
group by date_trunc('week', usage_date)
order by week_from asc
