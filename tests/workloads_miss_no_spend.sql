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

enriched as (
    select
        spend.platform,
        spend.sub_platform,
        spend.lyft_label,
        cast(spend.usage_hour as date) as usage_date,
        sum(spend.spend) as spend
    from {{ ref('enriched_spend') }} as spend
    inner join clusters
        on spend.platform = clusters.platform and spend.sub_platform = clusters.sub_platform
    group by
        spend.platform, spend.sub_platform, spend.lyft_label, cast(spend.usage_hour as date)
),

workloads as (
    select
        platform,
        sub_platform,
        lyft_label,
        usage_date,
        sum(spend) as spend
    from {{ ref('workload_spend') }}
    group by platform, sub_platform, lyft_label, usage_date
)

select
    coalesce(enriched.sub_platform, workloads.sub_platform) as sub_platform,
    coalesce(enriched.lyft_label, workloads.lyft_label) as lyft_label,
    coalesce(enriched.usage_date, workloads.usage_date) as usage_date,
    enriched.spend,
    workloads.spend as spend_of_workloads
from enriched
full outer join workloads
    on
        enriched.platform = workloads.platform
        and enriched.sub_platform = workloads.sub_platform
        and enriched.lyft_label = workloads.lyft_label
        and enriched.usage_date = workloads.usage_date
where enriched.spend is distinct from workloads.spend
