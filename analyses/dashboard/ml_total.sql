-- What machine learning cost in the last 30 days.

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
    sum(spend.spend) as spend,
    sum(spend.idle_spend) as idle_spend
from spend
cross join last_days
where spend.usage_date >= last_days.first_date
having count(*) > 0
