-- Every dollar that a Kubernetes cluster cost stands with a workload, or with its label where
-- nobody can tell the workload.

with

clusters as (
    select distinct
        platform,
        sub_platform
    from {{ ref('stg_seeds__platforms') }}
    where schedule_source = 'kubernetes'
),

charges as (
    select
        charges.platform,
        charges.sub_platform,
        cast(charges.usage_hour as date) as usage_date,
        sum(charges.true_cost) as spend
    from {{ refreshed(ref('int_platform_charges'), 'usage_hour') }} as charges
    inner join clusters
        on charges.platform = clusters.platform and charges.sub_platform = clusters.sub_platform
    group by charges.platform, charges.sub_platform, cast(charges.usage_hour as date)
),

workloads as (
    select
        platform,
        sub_platform,
        usage_date,
        sum(spend) as spend
    from {{ refreshed(ref('workload_spend')) }}
    group by platform, sub_platform, usage_date
)

select
    coalesce(charges.sub_platform, workloads.sub_platform) as sub_platform,
    coalesce(charges.usage_date, workloads.usage_date) as usage_date,
    charges.spend,
    workloads.spend as spend_of_workloads
from charges
full outer join workloads
    on
        charges.platform = workloads.platform
        and charges.sub_platform = workloads.sub_platform
        and charges.usage_date = workloads.usage_date
where charges.spend is distinct from workloads.spend
