-- Spend by day and label, before owners are joined. The owner of a label may change within a day,
-- so a day has one row for each span between changes.
{{ config(
    materialized='incremental',
    unique_key='billing_period',
    partition_by=spark_only('billing_period'),
    schema='intermediate'
) }}

with

spend as (
    select
        *,
        cast(usage_hour as date) as usage_date
    from {{ ref('enriched_spend') }}
    where {{ in_month('billing_period') }}
),

changes as (
    select
        lyft_label,
        changed_at,
        cast(changed_at as date) as usage_date
    from {{ ref('int_owner_changes') }}
),

hours as (
    select distinct
        lyft_label,
        usage_date,
        usage_hour
    from spend
),

-- The last change of the day before each hour of the label's spend.
changed as (
    select
        hours.lyft_label,
        hours.usage_hour,
        max(changes.changed_at) as changed_at
    from hours
    inner join changes
        on
            hours.lyft_label = changes.lyft_label
            and hours.usage_date = changes.usage_date
            and hours.usage_hour >= changes.changed_at
    group by hours.lyft_label, hours.usage_hour
)

select
    -- when
    spend.usage_date,
    spend.billing_period,
    coalesce(changed.changed_at, cast(spend.usage_date as timestamp)) as owned_at,
    spend.is_period_charge,

    -- what it cost
    cast(sum(spend.spend) as decimal(38, 20)) as spend,
    cast(sum(spend.invoiced_cost) as decimal(38, 20)) as invoiced_cost,
    cast(sum(spend.net_amortized_cost) as decimal(38, 20)) as net_amortized_cost,

    -- who
    spend.account_id,
    spend.lyft_label,

    -- through which platform
    spend.platform,
    spend.sub_platform,

    -- what
    spend.product,
    spend.charge_class
from spend
left join changed
    on spend.lyft_label = changed.lyft_label and spend.usage_hour = changed.usage_hour
group by
    spend.billing_period,
    spend.account_id,
    spend.lyft_label,
    spend.platform,
    spend.sub_platform,
    spend.product,
    spend.charge_class,
    spend.usage_date,
    coalesce(changed.changed_at, cast(spend.usage_date as timestamp)),
    spend.is_period_charge
