-- What the charges of a billing period cost, by product and usage type: those that a platform
-- splits by platform, all others by label.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

with

charges as (
    select * from {{ ref('int_charges_true_cost') }}
    where {{ in_month('billing_period') }} and charge_class <> 'commitment_to_come'
),

keys as (
    select * from {{ ref('int_platform_keys') }}
    where {{ in_month('billing_period') }}
),

assigned as (
    select
        charges.billing_period,
        case when keys.platform is null then charges.lyft_label end as lyft_label,
        keys.platform,
        keys.sub_platform,
        charges.product,
        charges.usage_type,
        -- A tax has a line for each charge or each month: its amount is no volume.
        case when charges.charge_class <> 'tax' then charges.usage_amount else 0 end as volume,
        charges.list_cost,
        charges.true_cost as spend,
        case
            when charges.is_period_charge and charges.charge_class <> 'tax' then charges.true_cost
            else 0
        end as period_spend
    from charges
    left join keys on {{ matches_platform('keys', 'charges') }}
)

select
    -- who
    billing_period,
    lyft_label,

    -- through which platform
    platform,
    sub_platform,

    -- what
    product,
    usage_type,

    -- how much of it
    cast(sum(volume) as decimal(38, 10)) as volume,

    -- what it cost
    cast(sum(list_cost) as decimal(38, 10)) as list_cost,
    cast(sum(spend) as decimal(38, 20)) as spend,
    cast(sum(period_spend) as decimal(38, 20)) as period_spend
from assigned
group by billing_period, lyft_label, platform, sub_platform, product, usage_type
