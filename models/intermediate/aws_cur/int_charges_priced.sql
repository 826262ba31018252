-- The priced bill without its line items: one row per hour and per combination of the columns that
-- label rules, pools and marts need. Resource ids stay only where a label rule matches them, so
-- that there are as few rows as possible.
-- depends_on: {{ ref('stg_seeds__label_rules') }}
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

with

line_items as (
    select * from {{ ref('int_line_items_priced') }}
    where {{ in_month('billing_period') }}
),

labelled_resources as (
    select distinct
        billing_period,
        resource_id
    from {{ ref('stg_aws_cur__line_items') }}
    where {{ in_month('billing_period') }} and {{ resource_in_rules() }}
)

select
    -- who
    line_items.billing_period,
    line_items.payer_account_id,
    line_items.account_id,

    -- what
    line_items.charge_class,
    line_items.pricing_model,
    line_items.product,
    line_items.usage_type,
    line_items.operation,
    line_items.region,
    line_items.instance_type,
    coalesce(labelled_resources.resource_id, '') as resource_id,
    line_items.tags,
    line_items.cost_categories,
    {{ carried('line_items') }}
    line_items.reservation_id,
    line_items.savings_plan_id,
    line_items.commitment_pool,
    line_items.plan_pool,
    line_items.instance_plan_pool,
    line_items.bill_type,
    line_items.has_net_costs,

    -- how much of it
    count(*) as line_count,
    cast(sum(line_items.usage_amount) as decimal(38, 10)) as usage_amount,
    cast(sum(line_items.normalized_usage_amount) as decimal(38, 10)) as normalized_usage_amount,

    -- what AWS says it cost
    cast(sum(line_items.list_cost) as decimal(38, 10)) as list_cost,
    cast(sum(line_items.unblended_cost) as decimal(38, 10)) as unblended_cost,
    cast(sum(line_items.net_unblended_cost) as decimal(38, 10)) as net_unblended_cost,
    cast(sum(line_items.amortized_upfront_cost) as decimal(38, 10)) as amortized_upfront_cost,
    cast(sum(line_items.prepaid_cost) as decimal(38, 10)) as prepaid_cost,
    cast(sum(line_items.recurring_cost) as decimal(38, 10)) as recurring_cost,
    cast(sum(line_items.net_amortized_cost) as decimal(38, 10)) as net_amortized_cost,

    -- when
    line_items.usage_hour,
    line_items.interval_hours,
    line_items.is_period_charge
from line_items
left join labelled_resources
    on
        line_items.billing_period = labelled_resources.billing_period
        and line_items.resource_id = labelled_resources.resource_id
group by
    line_items.billing_period,
    line_items.payer_account_id,
    line_items.account_id,
    line_items.charge_class,
    line_items.pricing_model,
    line_items.product,
    line_items.usage_type,
    line_items.operation,
    line_items.region,
    line_items.instance_type,
    coalesce(labelled_resources.resource_id, ''),
    line_items.tags,
    line_items.cost_categories,
    {{ carried('line_items') }}
    line_items.reservation_id,
    line_items.savings_plan_id,
    line_items.commitment_pool,
    line_items.plan_pool,
    line_items.instance_plan_pool,
    line_items.bill_type,
    line_items.has_net_costs,
    line_items.usage_hour,
    line_items.interval_hours,
    line_items.is_period_charge
