-- What every pod requested and used, hour by hour, on the node where it ran: its containers
-- together, as far as they are known. A table of its own: adding up containers and finding the
-- labels of pods at once would take more memory than there may be.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

{% set measured = [
    'cpu_request_core_hours',
    'cpu_usage_core_hours',
    'memory_request_gib_hours',
    'memory_usage_gib_hours',
    'gpu_request_gpu_hours',
    'gpu_usage_gpu_hours',
    'network_gib',
] %}

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
    {%- for amount in measured %}
        cast(sum({{ amount }}) as decimal(25, 10)) as {{ amount }},
    {%- endfor %}

    -- when
    {{ month_of('usage_hour') }} as usage_month,
    usage_hour
from container_hours
group by cluster, node, instance_type, instance_id, namespace, pod, uid, usage_hour
