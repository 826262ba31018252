-- How complete the metrics of each resource that splits a cluster are in each scraped hour: the
-- share of the pods' time for which the platform's `allocation_base` is known, and the share of the
-- nodes whose capacity is. A cluster that was scraped and reported no pod is not empty: the
-- exporter of its pods was down.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

{% set requests = {
    'cpu': 'cpu_request_core_hours',
    'memory': 'memory_request_gib_hours',
    'gpu': 'coalesce(gpu_request_gpu_hours, cpu_request_core_hours, memory_request_gib_hours)',
} %}
{% set used = used_resources() %}
{% set asks_for_gpus = '(gpu_request_gpu_hours > 0 or gpu_usage_gpu_hours is not null)' %}

with

cluster_hours as (
    select * from {{ ref('stg_kubernetes__cluster_hours') }}
    where {{ in_hours('usage_hour') }}
),

pod_hours as (
    select * from {{ ref('int_pod_hours') }}
    where {{ in_month('usage_month') }}
),

node_hours as (
    select * from {{ ref('stg_kubernetes__node_hours') }}
    where {{ in_hours('usage_hour') }}
),

volume_hours as (
    select * from {{ ref('stg_kubernetes__volume_hours') }}
    where {{ in_hours('usage_hour') }}
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

-- Pods on the network of their node have no traffic of their own, and cAdvisor has no counter for
-- what never read or wrote a disk: a node counts as reported if any of its pods has some.
by_node as (
    select
        cluster,
        usage_hour,
        {%- for resource, request in requests.items() %}
            {%- set use = kubernetes_resources()[resource].used %}
            sum(case when {{ request }} is not null then running_hours else 0 end)
                as {{ resource }}_requested,
            sum(case when {{ use }} is not null then running_hours else 0 end)
                as {{ resource }}_used,
            sum(
                case
                    when {{ request }} is not null and {{ use }} is not null then running_hours
                    else 0
                end
            ) as {{ resource }}_both,
            sum(
                case
                    when {{ request }} is not null or {{ use }} is not null then running_hours
                    else 0
                end
            ) as {{ resource }}_either,
        {%- endfor %}
        sum(case when {{ asks_for_gpus }} then running_hours else 0 end) as gpu_asked,
        {%- for resource, columns in used.items() %}
            case when count({{ columns.used }}) > 0 then sum(running_hours) else 0 end
                as {{ resource }}_reported,
        {%- endfor %}
        sum(running_hours) as whole
    from pod_hours
    group by cluster, usage_hour, node, instance_id
),

pods as (
    select
        cluster,
        usage_hour,
        {%- for resource in requests %}
            {%- for known in ['requested', 'used', 'both', 'either'] %}
                sum({{ resource }}_{{ known }}) as {{ resource }}_{{ known }},
            {%- endfor %}
        {%- endfor %}
        sum(gpu_asked) as gpu_asked,
        {%- for resource in used %}
            sum({{ resource }}_reported) as {{ resource }}_reported,
        {%- endfor %}
        sum(whole) as whole
    from by_node
    group by cluster, usage_hour
),

-- kube-state-metrics reports no GPUs for a node that has none.
nodes as (
    select
        cluster,
        usage_hour,
        count(cpu_capacity_core_hours) as cpu_reported,
        count(memory_capacity_gib_hours) as memory_reported,
        count(*) as whole
    from node_hours
    group by cluster, usage_hour
),

volumes as (
    select
        cluster,
        usage_hour,
        count(capacity_gib_hours) as storage_reported,
        count(*) as whole
    from volume_hours
    group by cluster, usage_hour
),

by_resource as (
    select
        cluster_hours.usage_hour,
        platforms.platform,
        platforms.sub_platform,
        resources.resource,
        platforms.min_coverage,
        case
            when resources.resource = 'storage' then 1
            when coalesce(pods.whole, 0) = 0 then 0
            {%- for resource in used %}
                when resources.resource = '{{ resource }}'
                    then {{ part_of('pods.' ~ resource ~ '_reported', 'pods.whole') }}
            {%- endfor %}
            when
                resources.resource = 'gpu'
                and platforms.allocation_base in ('usage', 'max')
                and pods.gpu_asked = 0
                then 1
            {%- for resource in requests %}
                {%- set whole = 'pods.gpu_asked' if resource == 'gpu' else 'pods.whole' %}
                when resources.resource = '{{ resource }}'
                    then
                        case platforms.allocation_base
                            when 'request'
                                then {{ part_of('pods.' ~ resource ~ '_requested', 'pods.whole') }}
                            when 'usage' then {{ part_of('pods.' ~ resource ~ '_used', whole) }}
                            when 'max' then {{ part_of('pods.' ~ resource ~ '_both', whole) }}
                            else {{ part_of('pods.' ~ resource ~ '_either', 'pods.whole') }}
                        end
            {%- endfor %}
            else 1
        end as part_of_pods,
        case
            {%- for resource, offers in [
                ('cpu', 'nodes'), ('memory', 'nodes'), ('storage', 'volumes')
            ] %}
                when resources.resource = '{{ resource }}' and {{ offers }}.whole > 0
                    then {{ part_of(offers ~ '.' ~ resource ~ '_reported', offers ~ '.whole') }}
            {%- endfor %}
            else 1
        end as part_of_capacity
    from cluster_hours
    inner join platforms
        on
            cluster_hours.cluster = platforms.sub_platform
            and cluster_hours.usage_hour >= platforms.valid_from
            and cluster_hours.usage_hour < platforms.valid_until
    inner join resources
        on
            platforms.platform = resources.platform
            and platforms.sub_platform = resources.sub_platform
    left join pods
        on
            cluster_hours.cluster = pods.cluster
            and cluster_hours.usage_hour = pods.usage_hour
    left join nodes
        on
            cluster_hours.cluster = nodes.cluster
            and cluster_hours.usage_hour = nodes.usage_hour
    left join volumes
        on
            cluster_hours.cluster = volumes.cluster
            and cluster_hours.usage_hour = volumes.usage_hour
)

select
    -- ids
    platform,
    sub_platform,
    resource,

    -- how much
    cast(least(part_of_pods, part_of_capacity) as decimal(11, 10)) as coverage,
    least(part_of_pods, part_of_capacity) >= min_coverage as is_known,

    -- when
    {{ month_of('usage_hour') }} as usage_month,
    usage_hour
from by_resource
