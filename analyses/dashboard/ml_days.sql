-- What runs in notebooks, inference services, pipelines and experiments, by day and kind; the last
-- 60 days.

with

spend as (
    select
        usage_date,
        case
            when notebook is not null then 'notebooks'
            when inference_service is not null then 'inference'
            when experiment is not null then 'experiments'
            else 'pipelines'
        end as kind,
        spend
    from {{ ref('workload_spend') }}
    where coalesce(notebook, inference_service, pipeline_run, experiment, trial) is not null
),

last_days as (
    select max(usage_date) - 59 as first_date
    from spend
)

select
    spend.usage_date,
    spend.kind,
    sum(spend.spend) as spend
from spend
cross join last_days
where spend.usage_date >= last_days.first_date
group by spend.usage_date, spend.kind
order by spend.usage_date asc, spend.kind asc
