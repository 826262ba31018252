-- EC2 and Kubernetes side by side per service, last 28 complete days: every service that ever had
-- EC2 instances of its own, those that have left them too.

with

on_ec2 as (
    select lyft_label
    from {{ ref('migration_progress') }}
    group by lyft_label
    having sum(ec2_spend) > 0
)

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
inner join on_ec2 on progress.lyft_label = on_ec2.lyft_label
where spine.days_back <= 28
group by progress.lyft_label
order by ec2 + kubernetes desc, service asc
limit 30
