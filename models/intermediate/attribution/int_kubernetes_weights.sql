-- What each label requested or used of a cluster, hour by hour, beside the cluster's capacity: per
-- capacity pool and for the whole cluster (pool `all`). Requests, usage or the larger of both
-- count, pod by pod and resource by resource, as the platform declares; a pod whose use is not
-- known counts with its requests. Other unknown amounts weigh nothing; hours that lack too much of
-- them (`int_base_coverage`) are not used at all. Volumes are in no pool.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

with

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

pod_labels as (
    select * from {{ ref('int_pod_labels') }}
    where {{ in_month('usage_month') }}
),

-- Read separately, so that the labels of all pods need not be kept in memory for them.
namespace_labels as (
    select * from {{ ref('int_pod_labels') }}
    where {{ in_month('usage_month') }} and pod = '' and uid = ''
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
    where schedule_source = 'kubernetes'
),

pod_allocations as (
    select
        pod_hours.usage_hour,
        platforms.platform,
        platforms.sub_platform,
        {{ kubernetes_pool('pod_hours') }} as capacity_pool,
        pod_labels.lyft_label,
        {%- for resource, unit in [('cpu', 'core'), ('memory', 'gib'), ('gpu', 'gpu')] %}
            {{ allocated(
                'pod_hours.' ~ resource ~ '_request_' ~ unit ~ '_hours',
                'pod_hours.' ~ resource ~ '_usage_' ~ unit ~ '_hours',
                'platforms.allocation_base'
            ) }} as {{ resource }},
        {%- endfor %}
        coalesce(pod_hours.network_gib, 0) as network,
        pod_hours.running_hours as pods
    from pod_hours
    inner join pod_labels
        on
            pod_hours.cluster = pod_labels.cluster
            and pod_hours.usage_hour = pod_labels.usage_hour
            and pod_hours.namespace = pod_labels.namespace
            and pod_hours.pod = pod_labels.pod
            and pod_hours.uid = pod_labels.uid
    inner join platforms
        on
            pod_hours.cluster = platforms.sub_platform
            and pod_hours.usage_hour >= platforms.valid_from
            and pod_hours.usage_hour < platforms.valid_until
),

capacities as (
    select
        node_hours.usage_hour,
        platforms.platform,
        platforms.sub_platform,
        {{ kubernetes_pool('node_hours') }} as capacity_pool,
        coalesce(node_hours.cpu_capacity_core_hours, 0) as cpu,
        coalesce(node_hours.memory_capacity_gib_hours, 0) as memory,
        coalesce(node_hours.gpu_capacity_gpu_hours, 0) as gpu
    from node_hours
    inner join platforms
        on
            node_hours.cluster = platforms.sub_platform
            and node_hours.usage_hour >= platforms.valid_from
            and node_hours.usage_hour < platforms.valid_until
),

volumes as (
    select
        volume_hours.usage_hour,
        platforms.platform,
        platforms.sub_platform,
        namespace_labels.lyft_label,
        coalesce(volume_hours.capacity_gib_hours, 0) as storage
    from volume_hours
    inner join platforms
        on
            volume_hours.cluster = platforms.sub_platform
            and volume_hours.usage_hour >= platforms.valid_from
            and volume_hours.usage_hour < platforms.valid_until
    left join namespace_labels
        on
            volume_hours.cluster = namespace_labels.cluster
            and volume_hours.usage_hour = namespace_labels.usage_hour
            and volume_hours.namespace = namespace_labels.namespace
),

by_pool as (
    select
        usage_hour,
        platform,
        sub_platform,
        capacity_pool,
        lyft_label,
        false as is_capacity,
        sum(cpu) as cpu,
        sum(memory) as memory,
        sum(gpu) as gpu,
        sum(network) as network,
        sum(pods) as pods,
        0 as storage
    from pod_allocations
    group by usage_hour, platform, sub_platform, capacity_pool, lyft_label
    union all
    select
        usage_hour,
        platform,
        sub_platform,
        capacity_pool,
        'free' as lyft_label,
        true as is_capacity,
        sum(cpu) as cpu,
        sum(memory) as memory,
        sum(gpu) as gpu,
        0 as network,
        0 as pods,
        0 as storage
    from capacities
    group by usage_hour, platform, sub_platform, capacity_pool
    union all
    select
        usage_hour,
        platform,
        sub_platform,
        'all' as capacity_pool,
        lyft_label,
        false as is_capacity,
        0 as cpu,
        0 as memory,
        0 as gpu,
        0 as network,
        0 as pods,
        sum(storage) as storage
    from volumes
    where lyft_label is not null
    group by usage_hour, platform, sub_platform, lyft_label
    union all
    select
        usage_hour,
        platform,
        sub_platform,
        'all' as capacity_pool,
        'free' as lyft_label,
        true as is_capacity,
        0 as cpu,
        0 as memory,
        0 as gpu,
        0 as network,
        0 as pods,
        sum(storage) as storage
    from volumes
    group by usage_hour, platform, sub_platform
),

whole as (
    select
        usage_hour,
        platform,
        sub_platform,
        'all' as capacity_pool,
        lyft_label,
        is_capacity,
        sum(cpu) as cpu,
        sum(memory) as memory,
        sum(gpu) as gpu,
        sum(network) as network,
        sum(pods) as pods,
        sum(storage) as storage
    from by_pool
    group by usage_hour, platform, sub_platform, lyft_label, is_capacity
),

pools_and_whole as (
    select * from whole
    union all
    select * from by_pool
    where capacity_pool <> 'all'
)

select
    {{ month_of('usage_hour') }} as usage_month,
    usage_hour,
    platform,
    sub_platform,
    capacity_pool,
    lyft_label,
    is_capacity,
    cast(cpu as decimal(25, 10)) as cpu,
    cast(memory as decimal(25, 10)) as memory,
    cast(gpu as decimal(25, 10)) as gpu,
    cast(network as decimal(25, 10)) as network,
    cast(pods as decimal(25, 10)) as pods,
    cast(storage as decimal(25, 10)) as storage
from pools_and_whole
