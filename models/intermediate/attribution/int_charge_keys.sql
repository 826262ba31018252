-- What a row of `platform_resources` may look at: every label, product and usage type that a
-- billing period has charges of.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

select distinct
    billing_period,
    lyft_label,
    product,
    usage_type
from {{ ref('int_charges_pooled') }}
where {{ in_month('billing_period') }}
