-- What Kubernetes clusters cost, below the label: by workload and container where the hour was
-- measured, and by label alone where it was not. Proportions are composed first; money is
-- multiplied once.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

with

charges as (
    select * from {{ ref('int_platform_charges') }}
    where {{ in_hours('usage_hour') }}
),

schedules as (
    select * from {{ ref('int_allocation_levels') }}
    where {{ in_month('usage_month') }} and level = 1 and is_served
),

shares as (
    select * from {{ ref('int_workload_shares') }}
    where {{ in_month('usage_month') }}
),

clusters as (
    select distinct
        platform,
        sub_platform
    from {{ ref('stg_seeds__platforms') }}
    where schedule_source = 'kubernetes'
),

split as (
    select
        charges.platform,
        charges.sub_platform,
        case
            when coalesce(schedules.goes_back, true) then charges.source_label
            else schedules.lyft_label
        end as lyft_label,
        shares.namespace,
        shares.workload_kind,
        shares.workload_name,
        shares.container,
        shares.pod_labels,
        charges.true_cost
        * coalesce(shares.proportion, schedules.proportion, cast(1 as decimal(11, 10))) as spend,
        charges.true_cost * coalesce(shares.idle_proportion, cast(0 as decimal(11, 10)))
            as idle_spend,
        charges.true_cost
        * case
            when shares.lyft_label is not null then shares.unmeasured_proportion
            -- Of what no pod requested nothing is idle; of all else nobody knows.
            when schedules.lyft_label = 'free' then cast(0 as decimal(11, 10))
            else coalesce(schedules.proportion, cast(1 as decimal(11, 10)))
        end as unmeasured_spend,
        cast(charges.usage_hour as date) as usage_date
    from charges
    inner join clusters
        on
            charges.platform = clusters.platform
            and charges.sub_platform = clusters.sub_platform
    left join schedules
        on
            charges.usage_hour = schedules.usage_hour
            and charges.interval_hours = schedules.interval_hours
            and charges.platform = schedules.platform
            and charges.sub_platform = schedules.sub_platform
            and charges.capacity_pool = schedules.capacity_pool
            and charges.cost_model = schedules.cost_model
    left join shares
        on
            schedules.usage_hour = shares.usage_hour
            and schedules.interval_hours = 1
            and schedules.platform = shares.platform
            and schedules.sub_platform = shares.sub_platform
            and schedules.capacity_pool = shares.capacity_pool
            and schedules.cost_model = shares.cost_model
            and schedules.lyft_label = shares.lyft_label
)

select
    -- who
    platform,
    sub_platform,
    lyft_label,
    namespace,
    workload_kind,
    workload_name,
    container,
    pod_labels,

    -- what it cost
    cast(sum(spend) as decimal(38, 20)) as spend,
    cast(sum(idle_spend) as decimal(38, 20)) as idle_spend,
    cast(sum(unmeasured_spend) as decimal(38, 20)) as unmeasured_spend,

    -- when
    {{ month_of('usage_date') }} as usage_month,
    usage_date
from split
group by
    platform,
    sub_platform,
    lyft_label,
    namespace,
    workload_kind,
    workload_name,
    container,
    pod_labels,
    usage_date
