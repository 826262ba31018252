-- Which collection is used for each hour of each cluster (the latest replaces the whole hour), and
-- how many of the hour's scrapes it has.
{{ config(materialized='view', meta={'month': 'usage_hour'}) }}
{{ after_months() }}

with

scrape_hours as (
    select * from {{ source('kubernetes', 'scrape_hours') }}
),

collections as (
    select * from {{ source('kubernetes', 'collections') }}
),

loads as (
    select * from {{ source('kubernetes', '_dlt_loads') }}
),

newest_first as (
    select
        scrape_hours._collection_id as collection_id,
        scrape_hours.cluster,
        scrape_hours.samples,
        scrape_hours.expected_samples,
        scrape_hours.usage_hour,
        row_number() over (
            partition by scrape_hours.cluster, scrape_hours.usage_hour
            order by
                collections.collected_at desc,
                collections.landed_at desc,
                collections.collection_id asc
        ) as age
    from scrape_hours
    inner join collections on scrape_hours._collection_id = collections.collection_id
    inner join loads on collections._dlt_load_id = loads.load_id
    where loads.status = 0
)

select
    -- ids
    collection_id,
    cluster,

    -- how much
    samples,
    expected_samples,

    -- when
    usage_hour
from newest_first
where age = 1
