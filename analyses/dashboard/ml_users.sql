-- Who spent most on the clusters that run notebooks, inference services, pipelines or experiments,
-- after all splits, by day; the last 60 complete days. Free is their unallocated capacity.

with

clusters as (
    select distinct
        platform,
        sub_platform
    from {{ ref('workload_spend') }}
    where kubeflow_work is not null
)

select
    spend.usage_date,
    spend.lyft_label as service,
    sum(spend.spend) as spend
from {{ ref('explained_spend') }} as spend
inner join clusters
    on
        spend.first_platform = clusters.platform
        and spend.first_sub_platform = clusters.sub_platform
inner join {{ ref('time_spine') }} as spine on spend.usage_date = spine.date_day
where spine.days_back <= 60 and not spend.is_period_charge
group by spend.usage_date, spend.lyft_label
order by spend.usage_date asc, service asc
