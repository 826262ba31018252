-- How far what a cluster is split by (its `allocation_base`) was told in each hour, whatever was
-- scraped: the part of its pods' time of which use is known where it is split by use, and all or
-- nothing where it is split by requests. GPUs count as requested where nobody measures their use.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

with

pod_hours as (
    select * from {{ ref('int_pod_hours') }}
    where {{ in_month('usage_month') }}
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
    where schedule_source = 'kubernetes'
),

resources as (
    select distinct
        platform,
        sub_platform,
        resource
    from {{ ref('int_platform_cost_models') }}
    where schedule_source = 'kubernetes'
),

told as (
    select
        cluster,
        usage_month,
        usage_hour,
        sum(running_hours) as all_hours,
        sum(case when cpu_usage_core_hours is not null then running_hours else 0 end)
            as cpu_hours,
        sum(case when memory_usage_gib_hours is not null then running_hours else 0 end)
            as memory_hours,
        count(cpu_request_core_hours) as cpu_requests,
        count(memory_request_gib_hours) as memory_requests,
        count(cpu_usage_core_hours) as cpu_uses,
        count(memory_usage_gib_hours) as memory_uses,
        count(network_gib) as network_uses
    from pod_hours
    group by cluster, usage_month, usage_hour
),

by_resource as (
    select
        told.usage_month,
        told.usage_hour,
        platforms.platform,
        platforms.sub_platform,
        case
            {%- for resource in ['cpu', 'memory'] %}
                when
                    resources.resource = '{{ resource }}'
                    and platforms.allocation_base in ('usage', 'max')
                    then {{ part_of('told.' ~ resource ~ '_hours', 'told.all_hours') }}
                when
                    resources.resource = '{{ resource }}'
                    and told.{{ resource }}_requests = 0
                    and (
                        platforms.allocation_base = 'request' or told.{{ resource }}_uses = 0
                    )
                    then 0
            {%- endfor %}
            when resources.resource = 'network' and told.network_uses = 0 then 0
            else 1
        end as coverage
    from told
    inner join platforms
        on
            told.cluster = platforms.sub_platform
            and told.usage_hour >= platforms.valid_from
            and told.usage_hour < platforms.valid_until
    inner join resources
        on
            platforms.platform = resources.platform
            and platforms.sub_platform = resources.sub_platform
    where told.all_hours > 0
)

select
    -- ids
    platform,
    sub_platform,

    -- how much
    cast(min(coverage) as decimal(11, 10)) as coverage,

    -- when
    usage_month,
    usage_hour
from by_resource
group by platform, sub_platform, usage_month, usage_hour
