-- What machine learning cost in the last 30 complete days.

select
    sum(spend.spend) as spend,
    sum(spend.idle_spend) as idle_spend,
    'since ' || strftime(min(spend.usage_date), '%-d %b %Y') as note
from {{ ref('workload_spend') }} as spend
inner join {{ ref('time_spine') }} as spine on spend.usage_date = spine.date_day
where spine.days_back <= 30 and spend.kubeflow_work is not null
having count(*) > 0
