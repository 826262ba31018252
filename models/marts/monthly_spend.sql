-- What each label spends in a billing period, and through which platforms: the shortest answer.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

select
    -- who
    billing_period,
    lyft_label,

    -- through which platform
    platform,
    sub_platform,

    -- what
    product,
    charge_class,

    -- what it cost
    cast(sum(spend) as decimal(38, 20)) as spend
from {{ ref('enriched_spend') }}
where {{ in_month('billing_period') }}
group by billing_period, lyft_label, platform, sub_platform, product, charge_class
