-- A service's migration to Kubernetes: what it spends on its own EC2 instances and on clusters, day
-- by day.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

with

charges as (
    select * from {{ ref('int_platform_charges') }}
    where {{ in_hours('usage_hour') }} and product = 'AmazonEC2' and charge_class = 'usage'
),

workloads as (
    select * from {{ ref('int_workload_spend') }}
    where {{ in_month('usage_month') }} and lyft_label <> 'free'
),

clusters as (
    select distinct
        platform,
        sub_platform
    from {{ ref('stg_seeds__platforms') }}
    where schedule_source = 'kubernetes'
),

spend as (
    select
        cast(charges.usage_hour as date) as usage_date,
        charges.source_label as lyft_label,
        charges.true_cost as ec2_spend,
        0 as kubernetes_spend
    from charges
    where
        not exists (
            select 1
            from clusters
            where
                charges.platform = clusters.platform
                and charges.sub_platform = clusters.sub_platform
        )
    union all
    select
        usage_date,
        lyft_label,
        0 as ec2_spend,
        spend as kubernetes_spend
    from workloads
),

summed as (
    select
        usage_date,
        lyft_label,
        sum(ec2_spend) as ec2_spend,
        sum(kubernetes_spend) as kubernetes_spend
    from spend
    group by usage_date, lyft_label
)

select
    -- when
    usage_date,
    {{ month_of('usage_date') }} as usage_month,

    -- what it spends where
    cast(ec2_spend as decimal(38, 20)) as ec2_spend,
    cast(kubernetes_spend as decimal(38, 20)) as kubernetes_spend,
    case
        when
            ec2_spend >= 0
            and kubernetes_spend >= 0
            and cast(ec2_spend + kubernetes_spend as decimal(25, 10)) > 0
            then {{ part_of(
                'cast(kubernetes_spend as decimal(25, 10))',
                'cast(ec2_spend + kubernetes_spend as decimal(25, 10))'
            ) }}
    end as kubernetes_share,

    -- who
    lyft_label
from summed
