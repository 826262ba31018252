-- The capacity of every node, hour by hour.
{{ config(materialized='view', meta={'month': 'usage_hour'}) }}
{{ after_months() }}

with

node_hours as (
    select * from {{ source('kubernetes', 'node_hours') }}
),

cluster_hours as (
    select * from {{ ref('stg_kubernetes__cluster_hours') }}
)

select
    -- ids
    node_hours.cluster,
    node_hours.node,
    coalesce(node_hours.instance_type, 'unknown') as instance_type,
    {{ instance_of('node_hours.provider_id') }} as instance_id,

    -- how much
    node_hours.cpu_capacity_core_hours,
    node_hours.memory_capacity_gib_hours,
    node_hours.gpu_capacity_gpu_hours,

    -- when
    node_hours.usage_hour
from node_hours
inner join cluster_hours
    on
        node_hours._collection_id = cluster_hours.collection_id
        and node_hours.cluster = cluster_hours.cluster
        and node_hours.usage_hour = cluster_hours.usage_hour
