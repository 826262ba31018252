-- What each label requested or used of each resource of a cluster, hour by hour, beside the
-- cluster's capacity: per capacity pool and for the whole cluster (pool `all`). Requests, usage or
-- the larger of both count, pod by pod and resource by resource, as the platform declares; a pod
-- whose use is not known counts with its requests. Other unknown amounts weigh nothing; hours that
-- lack too much of them (`int_base_coverage`) are not used at all. Volumes are in no pool.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

{% set requested = requested_resources() %}
{% set used = used_resources() %}

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
        {%- for resource, columns in requested.items() %}
            {{ allocated(
                'pod_hours.' ~ columns.requested,
                'pod_hours.' ~ columns.used,
                'platforms.allocation_base'
            ) }} as {{ resource }},
        {%- endfor %}
        {%- for resource, columns in used.items() %}
            coalesce(pod_hours.{{ columns.used }}, 0) as {{ resource }},
        {%- endfor %}
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
        {%- for resource, columns in requested.items() %}
            coalesce(node_hours.{{ columns.capacity }}, 0) as {{ resource }},
        {%- endfor %}
        {{ kubernetes_pool('node_hours') }} as capacity_pool
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

{%- set in_pools = requested.keys() | list + used.keys() | list + ['pods'] %}

-- What has no capacity, such as network traffic, has 0 of it.
of_pools as (
    select
        usage_hour,
        platform,
        sub_platform,
        capacity_pool,
        {%- for resource in in_pools %}
            sum({{ resource }}) as {{ resource }},
        {%- endfor %}
        lyft_label,
        false as is_capacity
    from pod_allocations
    group by usage_hour, platform, sub_platform, capacity_pool, lyft_label
    union all
    select
        usage_hour,
        platform,
        sub_platform,
        capacity_pool,
        {%- for resource in in_pools %}
            {{ 'sum(' ~ resource ~ ')' if resource in requested else 0 }} as {{ resource }},
        {%- endfor %}
        'free' as lyft_label,
        true as is_capacity
    from capacities
    group by usage_hour, platform, sub_platform, capacity_pool
),

of_pools_and_whole as (
    select * from of_pools
    where capacity_pool <> 'all'
    union all
    select
        usage_hour,
        platform,
        sub_platform,
        'all' as capacity_pool,
        {%- for resource in in_pools %}
            sum({{ resource }}) as {{ resource }},
        {%- endfor %}
        lyft_label,
        is_capacity
    from of_pools
    group by usage_hour, platform, sub_platform, lyft_label, is_capacity
),

resources as (
    {% for resource in in_pools %}
        {{ 'union all' if not loop.first }}
        select '{{ resource }}' as resource
    {% endfor %}
),

-- One row for each resource.
amounts as (
    select
        of_pools_and_whole.usage_hour,
        of_pools_and_whole.platform,
        of_pools_and_whole.sub_platform,
        of_pools_and_whole.capacity_pool,
        of_pools_and_whole.lyft_label,
        of_pools_and_whole.is_capacity,
        resources.resource,
        case resources.resource
            {%- for resource in in_pools %}
                when '{{ resource }}' then of_pools_and_whole.{{ resource }}
            {%- endfor %}
        end as amount
    from of_pools_and_whole
    cross join resources
    union all
    select
        usage_hour,
        platform,
        sub_platform,
        'all' as capacity_pool,
        lyft_label,
        false as is_capacity,
        'storage' as resource,
        sum(storage) as amount
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
        'storage' as resource,
        sum(storage) as amount
    from volumes
    group by usage_hour, platform, sub_platform
),

coverage as (
    select * from {{ ref('int_base_coverage') }}
    where {{ in_month('usage_month') }}
)

select
    -- who
    amounts.platform,
    amounts.sub_platform,
    amounts.capacity_pool,
    amounts.lyft_label,

    -- how much
    amounts.resource,
    amounts.is_capacity,
    cast(amounts.amount as decimal(25, 10)) as amount,

    -- how well it is known
    coverage.coverage,

    -- when
    {{ month_of('amounts.usage_hour') }} as usage_month,
    amounts.usage_hour
from amounts
left join coverage
    on
        amounts.usage_hour = coverage.usage_hour
        and amounts.platform = coverage.platform
        and amounts.sub_platform = coverage.sub_platform
        and amounts.resource = coverage.resource
