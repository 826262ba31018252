-- What a service runs on Kubernetes, by workload, last 28 complete days, and how much of it is
-- idle.

select
    spend.lyft_label as service,
    spend.sub_platform as cluster,
    spend.namespace,
    spend.workload_kind,
    spend.workload_name,
    spend.container,
    sum(spend.spend) as spend,
    sum(spend.idle_spend) as idle_spend
from {{ ref('workload_spend') }} as spend
inner join {{ ref('time_spine') }} as spine on spend.usage_date = spine.date_day
where spine.days_back <= 28
group by
    spend.lyft_label,
    spend.sub_platform,
    spend.namespace,
    spend.workload_kind,
    spend.workload_name,
    spend.container
order by
    spend desc,
    cluster asc,
    spend.namespace asc,
    spend.workload_kind asc,
    spend.workload_name asc,
    spend.container asc
