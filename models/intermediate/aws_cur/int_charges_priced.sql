-- The priced bill without its line items: one row per hour and per combination of the columns that
-- label rules, pools and marts need. Resource ids stay only where a label rule matches them, so
-- that there are as few rows as possible.
-- depends_on: {{ ref('stg_seeds__label_rules') }}
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

with

line_items as (
    select
        *,
        {{ labelled_resource_id() }} as labelled_resource_id
    from {{ ref('int_line_items_priced') }}
    where {{ in_month('billing_period') }}
)

select
    -- who
    billing_period,
    payer_account_id,
    account_id,

    -- what
    charge_class,
    pricing_model,
    product,
    usage_type,
    operation,
    region,
    instance_type,
    labelled_resource_id as resource_id,
    tags,
    cost_categories,
    {{ carried() }}
    reservation_id,
    savings_plan_id,
    commitment_pool,
    plan_pool,
    instance_plan_pool,
    bill_type,
    has_net_costs,

    -- how much of it
    count(*) as line_count,
    cast(sum(usage_amount) as decimal(38, 10)) as usage_amount,
    cast(sum(normalized_usage_amount) as decimal(38, 10)) as normalized_usage_amount,

    -- what AWS says it cost
    cast(sum(list_cost) as decimal(38, 10)) as list_cost,
    cast(sum(unblended_cost) as decimal(38, 10)) as unblended_cost,
    cast(sum(net_unblended_cost) as decimal(38, 10)) as net_unblended_cost,
    cast(sum(amortized_upfront_cost) as decimal(38, 10)) as amortized_upfront_cost,
    cast(sum(prepaid_cost) as decimal(38, 10)) as prepaid_cost,
    cast(sum(recurring_cost) as decimal(38, 10)) as recurring_cost,
    cast(sum(net_amortized_cost) as decimal(38, 10)) as net_amortized_cost,

    -- when
    usage_hour,
    interval_hours,
    is_period_charge
from line_items
group by
    billing_period,
    payer_account_id,
    account_id,
    charge_class,
    pricing_model,
    product,
    usage_type,
    operation,
    region,
    instance_type,
    labelled_resource_id,
    tags,
    cost_categories,
    {{ carried() }}
    reservation_id,
    savings_plan_id,
    commitment_pool,
    plan_pool,
    instance_plan_pool,
    bill_type,
    has_net_costs,
    usage_hour,
    interval_hours,
    is_period_charge
