-- What every pod requested and used, hour by hour, on the node where it ran: the sum of its
-- containers; if the use of one of them is not known, that of the pod is NULL. A table of its own,
-- because summing containers and labelling pods in one statement takes too much memory.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

{% set of_a_running_container = (
    'cpu_usage_core_hours is not null or memory_usage_gib_hours is not null'
) %}
-- Use -> the containers that have some. One kubelet reports all containers of a pod: one that it
-- does not name did not run, such as an init container that has ended.
{% set users = {
    'cpu_usage_core_hours': of_a_running_container,
    'memory_usage_gib_hours': of_a_running_container,
    'gpu_usage_gpu_hours': 'gpu_request_gpu_hours > 0 or gpu_usage_gpu_hours is not null',
} %}

with

container_hours as (
    select * from {{ ref('stg_kubernetes__container_hours') }}
    where {{ in_hours('usage_hour') }}
)

select
    -- ids
    cluster,
    node,
    instance_type,
    instance_id,
    namespace,
    pod,
    uid,

    -- how much
    max(running_hours) as running_hours,
    {%- for columns in requested_resources().values() %}
        cast(sum({{ columns.requested }}) as decimal(25, 10)) as {{ columns.requested }},
    {%- endfor %}
    {%- for amount, has_some in users.items() %}
        cast(
            case
                when count({{ amount }}) = count(case when {{ has_some }} then 1 end)
                    then sum({{ amount }})
            end as decimal(25, 10)
        ) as {{ amount }},
    {%- endfor %}
    -- A pod's containers share its network, so one of them carries the amount.
    {%- for columns in used_resources().values() %}
        cast(sum({{ columns.used }}) as decimal(25, 10)) as {{ columns.used }},
    {%- endfor %}

    -- when
    {{ month_of('usage_hour') }} as usage_month,
    usage_hour
from container_hours
group by cluster, node, instance_type, instance_id, namespace, pod, uid, usage_hour
