-- EC2 and Kubernetes side by side per service, last 28 complete days.

select
    progress.lyft_label as service,
    sum(progress.ec2_spend) as ec2,
    sum(progress.kubernetes_spend) as kubernetes,
    case
        when sum(progress.ec2_spend) >= 0 and sum(progress.kubernetes_spend) > 0
            then
                cast(
                    sum(progress.kubernetes_spend)
                    / (sum(progress.ec2_spend) + sum(progress.kubernetes_spend))
                    as decimal(11, 10)
                )
    end as kubernetes_share
from {{ ref('migration_progress') }} as progress
inner join {{ ref('time_spine') }} as spine on progress.usage_date = spine.date_day
where spine.days_back <= 28
group by progress.lyft_label
having sum(progress.ec2_spend) > 0
order by ec2 desc, service asc
limit 30
