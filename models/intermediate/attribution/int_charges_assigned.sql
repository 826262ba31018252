-- Every charge with the platform that splits it, at the coarsest grain that the split needs:
-- columns that only explain the bill are summed away.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

with

charges as (
    select * from {{ ref('int_charges_claimed') }}
    where {{ in_month('billing_period') }}
)

select
    -- who
    billing_period,
    payer_account_id,
    account_id,
    source_label,

    -- what
    product,
    charge_class,
    {{ carried(of_marts=true) }}

    -- who splits it, and how
    platform,
    sub_platform,
    cost_model,
    wanted_pool,

    -- what it cost
    {{ usd('sum(true_cost)') }} as true_cost,
    {{ usd('sum(invoiced_cost)') }} as invoiced_cost,
    {{ usd('sum(net_amortized_cost)') }} as net_amortized_cost,

    -- when
    usage_hour,
    case when platform is not null then interval_hours end as interval_hours,
    is_period_charge
from charges
group by
    billing_period,
    payer_account_id,
    account_id,
    source_label,
    product,
    charge_class,
    {{ carried(of_marts=true) }}
    platform,
    sub_platform,
    cost_model,
    wanted_pool,
    usage_hour,
    case when platform is not null then interval_hours end,
    is_period_charge
