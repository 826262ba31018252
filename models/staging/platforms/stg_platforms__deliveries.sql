-- What platform owners delivered, and the hours that each delivery speaks of: any hour, where that
-- was not noted when it landed.

with

deliveries as (
    select * from {{ source('platforms', 'deliveries') }}
),

loads as (
    select * from {{ source('platforms', '_dlt_loads') }}
)

select
    -- ids
    deliveries.delivery_id,
    deliveries.platform,

    -- when
    coalesce(deliveries.first_hour, {{ beginning() }}) as first_hour,
    coalesce(deliveries.last_hour, {{ end_of_time() }}) as last_hour
from deliveries
inner join loads on deliveries._dlt_load_id = loads.load_id
where loads.status = 0 and (deliveries.rows > 0 or deliveries.rows is null)
