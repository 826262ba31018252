-- The way of a service onto Kubernetes: what it spends on EC2 of its own, beside what it spends on
-- clusters, day by day.
{{ by_period('spent', by='usage_date') }}

with

charges as (
    select * from {{ rebuilt(ref('int_charges_by_pool')) }}
    where product = 'AmazonEC2' and charge_class = 'usage'
),

workloads as (
    select * from {{ rebuilt(ref('int_workload_spend')) }}
    where lyft_label <> 'free'
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
    left join clusters
        on
            charges.platform = clusters.platform
            and charges.sub_platform = clusters.sub_platform
    where clusters.platform is null
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
    -- who
    lyft_label,

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

    -- when
    usage_date
from summed
