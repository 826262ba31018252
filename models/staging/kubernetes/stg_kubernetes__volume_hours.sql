-- Every persistent volume, hour by hour, and the namespace of the claim that is bound to it.
{{ config(materialized='view', meta={'month': 'usage_hour'}) }}
{{ after_months() }}

with

volume_hours as (
    select * from {{ source('kubernetes', 'volume_hours') }}
),

cluster_hours as (
    select * from {{ ref('stg_kubernetes__cluster_hours') }}
)

select
    -- ids
    volume_hours.cluster,
    volume_hours.volume,
    case when volume_hours.claim is not null then volume_hours.namespace end as namespace,

    -- how much
    volume_hours.capacity_gib_hours,

    -- when
    volume_hours.usage_hour
from volume_hours
inner join cluster_hours
    on
        volume_hours._collection_id = cluster_hours.collection_id
        and volume_hours.cluster = cluster_hours.cluster
        and volume_hours.usage_hour = cluster_hours.usage_hour
