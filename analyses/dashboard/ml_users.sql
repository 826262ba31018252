-- Who spent most on the clusters that run notebooks, inference services, pipelines or experiments,
-- in the end and by day; the last 60 days. Free is what nobody used of them.

with

clusters as (
    select distinct
        platform,
        sub_platform
    from {{ ref('workload_spend') }}
    where coalesce(notebook, inference_service, pipeline_run, experiment, trial) is not null
),

spend as (
    select
        explained.usage_date,
        explained.lyft_label,
        explained.spend
    from {{ ref('explained_spend') }} as explained
    inner join clusters
        on
            explained.first_platform = clusters.platform
            and explained.first_sub_platform = clusters.sub_platform
    where not explained.is_period_charge
),

last_days as (
    select max(usage_date) - 59 as first_date
    from spend
)

select
    spend.usage_date,
    spend.lyft_label as service,
    sum(spend.spend) as spend
from spend
cross join last_days
where spend.usage_date >= last_days.first_date
group by spend.usage_date, spend.lyft_label
order by spend.usage_date asc, service asc
