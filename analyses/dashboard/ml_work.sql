-- What every notebook, inference service, pipeline run and experiment cost in the last 30 complete
-- days, and how much of that was idle.

select
    spend.lyft_label as service,
    spend.notebook,
    spend.inference_service,
    spend.pipeline_run,
    spend.experiment,
    cast(count(distinct spend.trial) as bigint) as trials,
    sum(spend.spend) as spend,
    case
        when count(distinct spend.trial) > 0
            then cast(sum(spend.spend) / count(distinct spend.trial) as decimal(38, 10))
    end as spend_per_trial,
    sum(spend.idle_spend) as idle_spend
from {{ ref('workload_spend') }} as spend
inner join {{ ref('time_spine') }} as spine on spend.usage_date = spine.date_day
where spine.days_back <= 30 and spend.kubeflow_work is not null
group by
    spend.lyft_label,
    spend.notebook,
    spend.inference_service,
    spend.pipeline_run,
    spend.experiment
order by spend desc, service asc
