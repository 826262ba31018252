-- What each label held of a cluster, hour by hour and resource by resource, next to what the
-- cluster could hold: per capacity pool and for the whole cluster (pool `all`). Requests, usage
-- or the larger of both count, pod by pod, as the platform declares.

with

container_hours as (
    select * from {{ ref('stg_kubernetes__container_hours') }}
),

node_hours as (
    select * from {{ ref('stg_kubernetes__node_hours') }}
),

pod_labels as (
    select * from {{ ref('int_pod_labels') }}
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
    where schedule_source = 'kubernetes'
),

cost_models as (
    select * from {{ ref('int_platform_cost_models') }}
),

pod_hours as (
    select
        cluster,
        node,
        instance_type,
        namespace,
        pod,
        uid,
        usage_hour,
        sum(cpu_request_core_hours) as cpu_request_core_hours,
        sum(cpu_usage_core_hours) as cpu_usage_core_hours,
        sum(memory_request_gib_hours) as memory_request_gib_hours,
        sum(memory_usage_gib_hours) as memory_usage_gib_hours,
        sum(gpu_request_gpu_hours) as gpu_request_gpu_hours,
        sum(gpu_usage_gpu_hours) as gpu_usage_gpu_hours
    from container_hours
    group by cluster, node, instance_type, namespace, pod, uid, usage_hour
),

pod_allocations as (
    select
        pod_hours.usage_hour,
        platforms.platform,
        platforms.sub_platform,
        {{ kubernetes_pool('pod_hours') }} as capacity_pool,
        cost_models.cost_model,
        pod_labels.lyft_label,
        case cost_models.cost_model
            when 'cpu' then {{ allocated('cpu_request_core_hours', 'cpu_usage_core_hours') }}
            when 'memory'
                then {{ allocated('memory_request_gib_hours', 'memory_usage_gib_hours') }}
            when 'gpu' then {{ allocated('gpu_request_gpu_hours', 'gpu_usage_gpu_hours') }}
        end as weight
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
    inner join cost_models
        on
            platforms.platform = cost_models.platform
            and platforms.sub_platform = cost_models.sub_platform
),

capacities as (
    select
        node_hours.usage_hour,
        platforms.platform,
        platforms.sub_platform,
        {{ kubernetes_pool('node_hours') }} as capacity_pool,
        cost_models.cost_model,
        case cost_models.cost_model
            when 'cpu' then node_hours.cpu_capacity_core_hours
            when 'memory' then node_hours.memory_capacity_gib_hours
            when 'gpu' then node_hours.gpu_capacity_gpu_hours
        end as weight
    from node_hours
    inner join platforms
        on
            node_hours.cluster = platforms.sub_platform
            and node_hours.usage_hour >= platforms.valid_from
            and node_hours.usage_hour < platforms.valid_until
    inner join cost_models
        on
            platforms.platform = cost_models.platform
            and platforms.sub_platform = cost_models.sub_platform
),

by_pool as (
    select
        usage_hour,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        lyft_label,
        false as is_capacity,
        sum(weight) as weight
    from pod_allocations
    group by usage_hour, platform, sub_platform, capacity_pool, cost_model, lyft_label
    union all
    select
        usage_hour,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        'free' as lyft_label,
        true as is_capacity,
        sum(weight) as weight
    from capacities
    group by usage_hour, platform, sub_platform, capacity_pool, cost_model
),

whole as (
    select
        usage_hour,
        platform,
        sub_platform,
        'all' as capacity_pool,
        cost_model,
        lyft_label,
        is_capacity,
        sum(weight) as weight
    from by_pool
    group by usage_hour, platform, sub_platform, cost_model, lyft_label, is_capacity
)

select
    usage_hour,
    platform,
    sub_platform,
    capacity_pool,
    cost_model,
    lyft_label,
    is_capacity,
    cast(weight as decimal(25, 10)) as weight
from whole
union all
select
    usage_hour,
    platform,
    sub_platform,
    capacity_pool,
    cost_model,
    lyft_label,
    is_capacity,
    cast(weight as decimal(25, 10)) as weight
from by_pool
where capacity_pool <> 'all'
