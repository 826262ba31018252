-- The Kubernetes labels of namespaces, hour by hour.
{{ config(materialized='view', meta={'month': 'usage_hour'}) }}
{{ after_months() }}

with

namespaces as (
    select * from {{ source('kubernetes', 'namespaces') }}
),

cluster_hours as (
    select * from {{ ref('stg_kubernetes__cluster_hours') }}
)

select
    -- ids
    namespaces.cluster,
    namespaces.namespace,

    -- what
    cast(namespaces.labels as {{ dbt.type_string() }}) as namespace_labels,

    -- when
    namespaces.usage_hour
from namespaces
inner join cluster_hours
    on
        namespaces._collection_id = cluster_hours.collection_id
        and namespaces.cluster = cluster_hours.cluster
        and namespaces.usage_hour = cluster_hours.usage_hour
