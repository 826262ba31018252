-- The names of accounts and their currency: a lookup, so that no charge has to carry them. CUR 2.0
-- has the names, legacy reports have not. Where the lines of a month do not agree, nothing is said.
{{ config(materialized='view', enabled=var('focus'), meta={'month': 'billing_period'}) }}

with

line_items as (
    select * from {{ source('aws_cur', 'line_items') }}
),

deliveries as (
    select * from {{ ref('stg_aws_cur__deliveries') }}
)

select
    -- who
    deliveries.billing_period,
    line_items.bill_payer_account_id as payer_account_id,
    line_items.line_item_usage_account_id as account_id,

    -- what they are called
    {{ the_one('line_items.bill_payer_account_name') }} as payer_account_name,
    {{ the_one('line_items.line_item_usage_account_name') }} as account_name,

    -- what they pay in: a warehouse has one currency
    max(line_items.line_item_currency_code) as currency
from line_items
inner join deliveries on {{ in_assembly('deliveries') }}
where deliveries.is_current
group by
    deliveries.billing_period,
    line_items.bill_payer_account_id,
    line_items.line_item_usage_account_id
