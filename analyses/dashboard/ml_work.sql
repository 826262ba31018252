-- What every notebook, inference service, pipeline run and experiment cost in the last 30 days, and
-- how much of that stood idle.

with

spend as (
    select * from {{ ref('workload_spend') }}
    where coalesce(notebook, inference_service, pipeline_run, experiment, trial) is not null
),

last_days as (
    select max(usage_date) - 29 as first_date
    from spend
)

select
    spend.lyft_label as service,
    spend.notebook,
    spend.inference_service,
    spend.pipeline_run,
    spend.experiment,
    cast(count(distinct spend.trial) as bigint) as trials,
    sum(spend.spend) as spend,
    sum(spend.idle_spend) as idle_spend
from spend
cross join last_days
where spend.usage_date >= last_days.first_date
group by
    spend.lyft_label,
    spend.notebook,
    spend.inference_service,
    spend.pipeline_run,
    spend.experiment
order by spend desc, service asc
limit 200
