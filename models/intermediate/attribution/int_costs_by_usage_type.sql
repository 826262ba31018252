-- What the charges of a billing period cost, by product and usage type: those that a platform
-- splits by platform, all others by label.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

with

charges as (
    select
        billing_period,
        case when platform is null then source_label end as lyft_label,
        platform,
        sub_platform,
        product,
        usage_type,
        -- A tax has a line for each charge or each month: its amount is no volume.
        case when charge_class <> 'tax' then usage_amount else 0 end as volume,
        list_cost,
        true_cost as spend,
        case when is_period_charge and charge_class <> 'tax' then true_cost else 0 end
            as period_spend
    from {{ ref('int_charges_matched') }}
    where {{ in_month('billing_period') }}
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
from charges
group by billing_period, lyft_label, platform, sub_platform, product, usage_type
