-- Every hour that was landed is in a month that the model `months` knows: in no other month is
-- anything built from it.

with

collections as (
    select * from {{ ref('stg_kubernetes__collections') }}
),

deliveries as (
    select * from {{ ref('stg_platforms__deliveries') }}
),

hours as (
    select
        'stg_kubernetes__cluster_hours' as model_name,
        usage_hour
    from {{ source('kubernetes', 'scrape_hours') }}
    where _collection_id in (select collections.collection_id from collections)
    union all
    select
        'stg_platforms__usage' as model_name,
        usage_hour
    from {{ source('platforms', 'usage') }}
    where _delivery_id in (select deliveries.delivery_id from deliveries)
    union all
    select
        'stg_platforms__schedules' as model_name,
        usage_hour
    from {{ source('platforms', 'schedules') }}
    where _delivery_id in (select deliveries.delivery_id from deliveries)
),

first_hours as (
    select
        model_name,
        date_trunc('month', usage_hour) as starts_at,
        min(usage_hour) as first_hour
    from hours
    group by model_name, date_trunc('month', usage_hour)
)

select
    first_hours.model_name,
    {{ month_of('first_hours.starts_at') }} as missing_month,
    first_hours.first_hour
from first_hours
left join {{ ref('months') }} as months on {{ month_of('first_hours.starts_at') }} = months.month
where months.month is null or months.fingerprint_of_bill is null
