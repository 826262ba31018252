-- The Kubernetes labels of every pod.
{{ config(materialized='view', meta={'month': 'usage_hour'}) }}
{{ after_months() }}

with

pods as (
    select * from {{ source('kubernetes', 'pods') }}
),

cluster_hours as (
    select * from {{ ref('stg_kubernetes__cluster_hours') }}
)

select
    -- ids
    pods.cluster,
    pods.namespace,
    pods.pod,
    coalesce(pods.uid, '') as uid,

    -- what
    pods.workload_kind,
    pods.workload_name,
    cast(pods.labels as {{ dbt.type_string() }}) as pod_labels,

    -- when
    pods.usage_hour
from pods
inner join cluster_hours
    on
        pods._collection_id = cluster_hours.collection_id
        and pods.cluster = cluster_hours.cluster
        and pods.usage_hour = cluster_hours.usage_hour
