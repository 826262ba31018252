-- What runs in notebooks, inference services, pipelines and experiments, by day and kind; the last
-- 60 complete days.

select
    spend.usage_date,
    spend.kubeflow_work as kind,
    sum(spend.spend) as spend
from {{ ref('workload_spend') }} as spend
inner join {{ ref('time_spine') }} as spine on spend.usage_date = spine.date_day
where spine.days_back <= 60 and spend.kubeflow_work is not null
group by spend.usage_date, spend.kubeflow_work
order by spend.usage_date asc, kind asc
