-- What labels spend in a billing period on what no platform splits, by product and usage type.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

with

charges as (
    select * from {{ ref('int_charges_pooled') }}
    where {{ in_month('billing_period') }}
),

keys as (
    select * from {{ ref('int_platform_keys') }}
    where {{ in_month('billing_period') }}
)

select
    -- who
    charges.billing_period,
    charges.lyft_label,

    -- what
    charges.product,
    charges.usage_type,

    -- how much of it
    cast(sum(charges.usage_amount) as decimal(38, 10)) as volume,

    -- what it cost
    cast(sum(charges.list_cost) as decimal(38, 10)) as list_cost,
    cast(sum(charges.true_cost) as decimal(38, 20)) as spend
from charges
left join keys on {{ is_claimed_by('keys', 'charges') }}
where keys.platform is null
group by charges.billing_period, charges.lyft_label, charges.product, charges.usage_type
