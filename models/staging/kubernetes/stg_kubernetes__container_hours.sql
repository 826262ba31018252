-- What every container requested and used, hour by hour, on the node where it ran. Only the part
-- of the hour in which its pod was Running counts; what was not measured is NULL.
{{ config(materialized='view', meta={'month': 'usage_hour'}) }}
{{ after_months() }}

with

container_hours as (
    select * from {{ source('kubernetes', 'container_hours') }}
),

node_hours as (
    select * from {{ source('kubernetes', 'node_hours') }}
),

cluster_hours as (
    select * from {{ ref('stg_kubernetes__cluster_hours') }}
)

select
    -- ids
    container_hours.cluster,
    coalesce(container_hours.node, '') as node,
    coalesce(container_hours.instance_type, node_hours.instance_type, 'unknown') as instance_type,
    {{ instance_of('coalesce(container_hours.provider_id, node_hours.provider_id)') }}
        as instance_id,
    container_hours.namespace,
    container_hours.pod,
    coalesce(container_hours.uid, '') as uid,
    container_hours.container,

    -- how much
    container_hours.running_hours,
    {%- for columns in requested_resources().values() %}
        container_hours.{{ columns.requested }},
        container_hours.{{ columns.used }},
    {%- endfor %}
    {%- for columns in used_resources().values() %}
        container_hours.{{ columns.landed | join(' + container_hours.') }} as {{ columns.used }},
    {%- endfor %}

    -- when
    container_hours.usage_hour
from container_hours
inner join cluster_hours
    on
        container_hours._collection_id = cluster_hours.collection_id
        and container_hours.cluster = cluster_hours.cluster
        and container_hours.usage_hour = cluster_hours.usage_hour
left join node_hours
    on
        container_hours._collection_id = node_hours._collection_id
        and container_hours.cluster = node_hours.cluster
        and container_hours.usage_hour = node_hours.usage_hour
        and container_hours.node = node_hours.node
        and coalesce(container_hours.provider_id, node_hours.provider_id, '')
        = coalesce(node_hours.provider_id, '')
