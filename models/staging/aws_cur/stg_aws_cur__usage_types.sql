-- What a usage type is counted in and called: a lookup, so that no charge has to carry it. Where
-- the lines of a month do not agree, nothing is said.
{{ config(materialized='view', enabled=var('focus'), meta={'month': 'billing_period'}) }}

with

line_items as (
    select * from {{ source('aws_cur', 'line_items') }}
),

deliveries as (
    select * from {{ ref('stg_aws_cur__deliveries') }}
)

select
    -- what
    deliveries.billing_period,
    coalesce(line_items.line_item_product_code, '') as product,
    coalesce(line_items.line_item_usage_type, '') as usage_type,

    -- what it is counted in and called
    {{ the_one('line_items.pricing_unit') }} as unit,
    {{ the_one('line_items.line_item_line_item_description') }} as description
from line_items
inner join deliveries on {{ in_assembly('deliveries') }}
where deliveries.is_current
group by
    deliveries.billing_period,
    coalesce(line_items.line_item_product_code, ''),
    coalesce(line_items.line_item_usage_type, '')
