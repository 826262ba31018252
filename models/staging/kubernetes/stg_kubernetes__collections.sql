-- The collections of Kubernetes usage that landed, and the hours that they cover.

with

collections as (
    select * from {{ source('kubernetes', 'collections') }}
),

loads as (
    select * from {{ source('kubernetes', '_dlt_loads') }}
)

select
    -- ids
    collections.collection_id,
    collections.cluster,

    -- when
    collections.first_hour,
    collections.last_hour
from collections
inner join loads on collections._dlt_load_id = loads.load_id
where loads.status = 0
