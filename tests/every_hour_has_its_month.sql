-- Every hour that was landed is in a month that the model `months` knows: in no other month is anything
-- built from it.

with

hours as (
    select
        'stg_kubernetes__cluster_hours' as model,
        usage_hour
    from {{ source('kubernetes', 'scrape_hours') }}
    where _collection_id in (
        select collection_id from {{ ref('stg_kubernetes__collections') }}
    )
    union all
    select
        'stg_platforms__usage' as model,
        usage_hour
    from {{ source('platforms', 'usage') }}
    where _delivery_id in (select delivery_id from {{ ref('stg_platforms__deliveries') }})
    union all
    select
        'stg_platforms__schedules' as model,
        usage_hour
    from {{ source('platforms', 'schedules') }}
    where _delivery_id in (select delivery_id from {{ ref('stg_platforms__deliveries') }})
),

first_hours as (
    select
        model,
        date_trunc('month', usage_hour) as starts_at,
        min(usage_hour) as first_hour
    from hours
    group by model, date_trunc('month', usage_hour)
)

select
    first_hours.model,
    {{ month_of('first_hours.starts_at') }} as missing_month,
    first_hours.first_hour
from first_hours
left join {{ ref('months') }} as months on {{ month_of('first_hours.starts_at') }} = months.month
where months.month is null or months.fingerprint_of_bill is null
