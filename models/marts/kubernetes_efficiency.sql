-- What each namespace requested, what it used of that, and what the rest cost. Schedules allocate
-- cost; this mart measures how efficiently the allocated capacity was used. If the use of one pod
-- is not known, that of its namespace is NULL: a partial sum would look complete.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

{% set measured = [
    'cpu_request_core_hours',
    'cpu_usage_core_hours',
    'memory_request_gib_hours',
    'memory_usage_gib_hours',
] %}

with

pod_hours as (
    select * from {{ ref('int_pod_hours') }}
    where {{ in_month('usage_month') }}
),

by_hour as (
    select
        cluster,
        namespace,
        {%- for amount in measured %}
            case when count({{ amount }}) = count(*) then sum({{ amount }}) end as {{ amount }},
        {%- endfor %}
        usage_hour
    from pod_hours
    group by cluster, namespace, usage_hour
),

by_day as (
    select
        cluster,
        namespace,
        {%- for amount in measured %}
            case when count({{ amount }}) = count(*) then sum({{ amount }}) end as {{ amount }},
        {%- endfor %}
        {%- for amount, busy in [
            ('cpu_usage_core_hours', 'busy_cores'), ('memory_usage_gib_hours', 'busy_gib')
        ] %}
            case
                when count({{ amount }}) = count(*) then {{ percentile_of(amount, '0.95') }}
            end as {{ busy }},
        {%- endfor %}
        cast(usage_hour as date) as usage_date
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
    -- when
    coalesce(by_day.usage_date, spend.usage_date) as usage_date,
    {{ month_of('coalesce(by_day.usage_date, spend.usage_date)') }} as usage_month,

    -- what it cost
    cast(coalesce(spend.spend, 0) as decimal(38, 20)) as spend,
    cast(
        case
            when spend.unmeasured_spend = spend.spend and spend.spend <> 0 then null
            else coalesce(spend.idle_spend, 0)
        end as decimal(38, 20)
    ) as idle_spend,
    cast(coalesce(spend.unmeasured_spend, 0) as decimal(38, 20)) as unmeasured_spend,

    -- how much it asked for and used
    cast(by_day.cpu_request_core_hours as decimal(25, 10)) as cpu_request_core_hours,
    cast(by_day.cpu_usage_core_hours as decimal(25, 10)) as cpu_usage_core_hours,
    cast(by_day.memory_request_gib_hours as decimal(25, 10)) as memory_request_gib_hours,
    cast(by_day.memory_usage_gib_hours as decimal(25, 10)) as memory_usage_gib_hours,

    -- how much it might ask for
    cast(by_day.busy_cores as decimal(25, 10)) as suggested_request_cores,
    cast(by_day.busy_gib as decimal(25, 10)) as suggested_request_gib,

    -- who
    coalesce(by_day.cluster, spend.cluster) as cluster,
    coalesce(by_day.namespace, spend.namespace) as namespace
from by_day
full outer join spend
    on
        by_day.cluster = spend.cluster
        and by_day.namespace = spend.namespace
        and by_day.usage_date = spend.usage_date
