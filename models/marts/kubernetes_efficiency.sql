-- What each namespace requested, what it used of that, and what the rest cost. Allocation is what
-- the schedules are about; this is about the efficiency of that allocation.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

with

container_hours as (
    select * from {{ ref('stg_kubernetes__container_hours') }}
    where {{ in_hours('usage_hour') }}
),

by_hour as (
    select
        cluster,
        namespace,
        usage_hour,
        sum(cpu_request_core_hours) as cpu_request_core_hours,
        sum(cpu_usage_core_hours) as cpu_usage_core_hours,
        sum(memory_request_gib_hours) as memory_request_gib_hours,
        sum(memory_usage_gib_hours) as memory_usage_gib_hours
    from container_hours
    group by cluster, namespace, usage_hour
),

by_day as (
    select
        cluster,
        namespace,
        cast(usage_hour as date) as usage_date,
        sum(cpu_request_core_hours) as cpu_request_core_hours,
        sum(cpu_usage_core_hours) as cpu_usage_core_hours,
        sum(memory_request_gib_hours) as memory_request_gib_hours,
        sum(memory_usage_gib_hours) as memory_usage_gib_hours,
        {{ percentile_of('cpu_usage_core_hours', '0.95') }} as busy_cores,
        {{ percentile_of('memory_usage_gib_hours', '0.95') }} as busy_gib
    from by_hour
    group by cluster, namespace, cast(usage_hour as date)
),

spend as (
    select
        sub_platform as cluster,
        namespace,
        usage_date,
        sum(spend) as spend,
        sum(idle_spend) as idle_spend,
        sum(unmeasured_spend) as unmeasured_spend
    from {{ ref('int_workload_spend') }}
    where {{ in_month('usage_month') }} and namespace is not null
    group by sub_platform, namespace, usage_date
)

select
    -- who
    coalesce(by_day.cluster, spend.cluster) as cluster,
    coalesce(by_day.namespace, spend.namespace) as namespace,

    -- how much it asked for and used
    cast(by_day.cpu_request_core_hours as decimal(25, 10)) as cpu_request_core_hours,
    cast(by_day.cpu_usage_core_hours as decimal(25, 10)) as cpu_usage_core_hours,
    cast(by_day.memory_request_gib_hours as decimal(25, 10)) as memory_request_gib_hours,
    cast(by_day.memory_usage_gib_hours as decimal(25, 10)) as memory_usage_gib_hours,

    -- how much it might ask for
    cast(by_day.busy_cores as decimal(25, 10)) as suggested_request_cores,
    cast(by_day.busy_gib as decimal(25, 10)) as suggested_request_gib,

    -- what it cost
    cast(coalesce(spend.spend, 0) as decimal(38, 20)) as spend,
    cast(
        case
            when spend.unmeasured_spend = spend.spend and spend.spend <> 0 then null
            else coalesce(spend.idle_spend, 0)
        end as decimal(38, 20)
    ) as idle_spend,
    cast(coalesce(spend.unmeasured_spend, 0) as decimal(38, 20)) as unmeasured_spend,

    -- when
    {{ month_of('coalesce(by_day.usage_date, spend.usage_date)') }} as usage_month,
    coalesce(by_day.usage_date, spend.usage_date) as usage_date
from by_day
full outer join spend
    on
        by_day.cluster = spend.cluster
        and by_day.namespace = spend.namespace
        and by_day.usage_date = spend.usage_date
