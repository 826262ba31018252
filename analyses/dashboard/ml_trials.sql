-- What every trial, and every workload of a notebook, inference service or pipeline run, cost in
-- the last 30 complete days: the parts of ml_work.

select
    spend.lyft_label as service,
    spend.kubeflow_work as kind,
    coalesce(
        spend.experiment, spend.notebook, spend.inference_service, spend.pipeline_run
    ) as work_name,
    spend.trial,
    spend.sub_platform as cluster,
    spend.namespace,
    spend.workload_name as workload,
    count(distinct spend.usage_date) as day_count,
    sum(spend.spend) as spend,
    sum(spend.idle_spend) as idle_spend
from {{ ref('workload_spend') }} as spend
inner join {{ ref('time_spine') }} as spine on spend.usage_date = spine.date_day
where spine.days_back <= 30 and spend.kubeflow_work is not null
group by
    spend.lyft_label,
    spend.kubeflow_work,
    work_name,
    spend.trial,
    spend.sub_platform,
    spend.namespace,
    spend.workload_name
order by
    spend desc,
    service asc,
    kind asc,
    work_name asc,
    spend.trial asc,
    cluster asc,
    spend.namespace asc,
    workload asc
