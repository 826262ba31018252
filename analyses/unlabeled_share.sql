-- How much of the spend nobody owns yet, week by week: what no rule labels, what a platform could
-- not attribute, and labels that no team claims.

select
    date_trunc('week', usage_date) as week_from,
    sum(case when lyft_label = 'unlabeled' then spend else 0 end) as unlabeled_spend,
    sum(case when lyft_label = 'unattributed' then spend else 0 end) as unattributed_spend,
    sum(case when current_team = 'unassigned' then spend else 0 end) as unassigned_spend,
    sum(spend) as spend
from {{ ref('daily_spend') }}
group by date_trunc('week', usage_date)
order by week_from asc
