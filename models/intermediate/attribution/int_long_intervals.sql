-- The spans of more than an hour that platforms' charges are for: each needs a schedule of its own.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

select distinct
    billing_period,
    platform,
    sub_platform,
    usage_hour,
    interval_hours
from {{ ref('int_charges_matched') }}
where {{ in_month('billing_period') }} and platform is not null and interval_hours > 1
