-- What every workload and container requested or used of a cluster in an hour under its label, by
-- every resource that a cost model may measure. The wide rows of pods are read here only: during
-- the allocation they would fill the memory.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

{% set place = ['platform', 'sub_platform', 'capacity_pool', 'lyft_label'] %}
{% set workload = [
    'namespace', 'workload_kind', 'workload_name', 'container', 'pod_labels'
] %}

{% set requested = requested_resources() %}
{% set used = used_resources() %}
{% set measures = requested.keys() | list + ['priced'] + used.keys() | list %}

with

container_hours as (
    select * from {{ ref('stg_kubernetes__container_hours') }}
    where {{ in_hours('usage_hour') }}
),

pods as (
    select * from {{ ref('int_pod_labels') }}
    where {{ in_month('usage_month') }}
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
    where schedule_source = 'kubernetes'
),

-- A container's weight within its label: the resource that the cost model measures, or, where it
-- measures several, all of them at their price.
containers as (
    select
        container_hours.usage_hour,
        platforms.platform,
        platforms.sub_platform,
        {{ kubernetes_pool('container_hours') }} as capacity_pool,
        pods.lyft_label,
        container_hours.namespace,
        pods.workload_kind,
        pods.workload_name,
        container_hours.container,
        pods.pod_labels,
        platforms.allocation_base,
        {%- for measure, columns in requested.items() %}
            container_hours.{{ columns.requested }} as {{ measure }}_requested,
            container_hours.{{ columns.used }} as {{ measure }}_used,
        {%- endfor %}
        {%- for measure, columns in used.items() %}
            container_hours.{{ columns.used }} as {{ measure }}_requested,
            container_hours.{{ columns.used }} as {{ measure }}_used,
        {%- endfor %}
        {% for measure, columns in requested.items() %}
            {{ '+ ' if not loop.first }}{{ price_of_resource(measure) }}
            * coalesce(container_hours.{{ columns.requested }}, 0)
        {%- endfor %} as priced_requested,
        -- A container without GPUs uses none.
        {{ price_of_resource('cpu') }} * container_hours.cpu_usage_core_hours
        + {{ price_of_resource('memory') }} * container_hours.memory_usage_gib_hours
        + {{ price_of_resource('gpu') }} * case
            when container_hours.gpu_request_gpu_hours > 0
                then container_hours.gpu_usage_gpu_hours
            else coalesce(container_hours.gpu_usage_gpu_hours, 0)
        end as priced_used
    from container_hours
    inner join pods
        on
            container_hours.cluster = pods.cluster
            and container_hours.usage_hour = pods.usage_hour
            and container_hours.namespace = pods.namespace
            and container_hours.pod = pods.pod
            and container_hours.uid = pods.uid
    inner join platforms
        on
            container_hours.cluster = platforms.sub_platform
            and container_hours.usage_hour >= platforms.valid_from
            and container_hours.usage_hour < platforms.valid_until
)

select
    {{ (place + workload) | join(',\n        ') }},
    {%- for measure in measures %}
        {%- set weight = allocated(measure ~ '_requested', measure ~ '_used', 'allocation_base') %}
        sum({{ weight }}) as {{ measure }}_weight,
        sum(coalesce({{ measure }}_used, 0)) as {{ measure }}_used,
        sum(case when {{ measure }}_used is null then {{ weight }} else 0 end)
            as {{ measure }}_unmeasured,
    {%- endfor %}
    {{ month_of('usage_hour') }} as usage_month,
    usage_hour
from containers
group by usage_hour, {{ (place + workload) | join(', ') }}
