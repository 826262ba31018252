-- The list cost of each node of a cluster in each charge, where a platform is pooled by node: a
-- charge is one row for all instances that are billed alike, and this model lists them. Empty if no
-- platform is pooled by node.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

with

line_items as (
    select
        *,
        {{ instance_of('resource_id') }} as instance_id
    from {{ ref('int_line_items_priced') }}
    where {{ in_month('billing_period') }} and charge_class = 'usage' and list_cost > 0
),

resources_in_rules as (
    select * from {{ ref('int_resources_in_rules') }}
    where {{ in_month('billing_period') }}
),

label_keys as (
    select * from {{ ref('int_label_keys') }}
    where {{ in_month('billing_period') }}
),

-- A node counts for the bills of neighbouring months too, as far away as an hour may fill a gap.
months as (
    select
        billing_period,
        {{ plus_hours("cast(concat(usage_month, '-01') as timestamp)", '-' ~ gap_filling_hours()) }}
            as lent_from,
        {{ plus_hours(
            "date_trunc('month', cast(concat(usage_month, '-01') as timestamp)"
            ~ " + interval '32' day)", gap_filling_hours()
        ) }} as lent_until
    from {{ ref('int_period_months') }}
    where {{ in_month('billing_period') }}
),

node_hours as (
    select * from {{ ref('stg_kubernetes__node_hours') }}
    where
        usage_hour >= (select min(months.lent_from) from months)
        and usage_hour < (select max(months.lent_until) from months)
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
    where schedule_source = 'kubernetes' and pool_by = 'node'
),

nodes as (
    select distinct
        months.billing_period,
        platforms.platform,
        platforms.sub_platform,
        node_hours.instance_id
    from node_hours
    inner join platforms
        on
            node_hours.cluster = platforms.sub_platform
            and node_hours.usage_hour >= platforms.valid_from
            and node_hours.usage_hour < platforms.valid_until
    inner join months
        on
            node_hours.usage_hour >= months.lent_from
            and node_hours.usage_hour < months.lent_until
    where node_hours.instance_id is not null
)

select
    -- which charge
    line_items.billing_period,
    line_items.payer_account_id,
    line_items.account_id,
    label_keys.lyft_label,
    label_keys.label_rule,
    line_items.product,
    line_items.usage_type,
    line_items.operation,
    line_items.region,
    line_items.instance_type,
    line_items.pricing_model,
    {{ carried('line_items') }}

    -- which node
    nodes.platform,
    nodes.sub_platform,
    nodes.instance_id,

    -- how much of it
    {{ usd('sum(line_items.list_cost)') }} as list_cost,

    -- when
    line_items.usage_hour,
    line_items.interval_hours,
    line_items.is_period_charge
from line_items
inner join nodes
    on
        line_items.billing_period = nodes.billing_period
        and line_items.instance_id = nodes.instance_id
left join resources_in_rules
    on
        line_items.billing_period = resources_in_rules.billing_period
        and line_items.resource_id = resources_in_rules.resource_id
inner join label_keys
    on
        line_items.billing_period = label_keys.billing_period
        and line_items.account_id = label_keys.account_id
        and line_items.product = label_keys.product
        and line_items.usage_type = label_keys.usage_type
        and line_items.operation = label_keys.operation
        and line_items.charge_class = label_keys.charge_class
        and coalesce(resources_in_rules.resource_id, '') = label_keys.resource_id
        and line_items.tags = label_keys.tags
        and line_items.cost_categories = label_keys.cost_categories
        and line_items.usage_hour >= label_keys.era_from
        and line_items.usage_hour < label_keys.era_until
group by
    line_items.billing_period,
    line_items.payer_account_id,
    line_items.account_id,
    label_keys.lyft_label,
    label_keys.label_rule,
    line_items.product,
    line_items.usage_type,
    line_items.operation,
    line_items.region,
    line_items.instance_type,
    line_items.pricing_model,
    {{ carried('line_items') }}
    nodes.platform,
    nodes.sub_platform,
    nodes.instance_id,
    line_items.usage_hour,
    line_items.interval_hours,
    line_items.is_period_charge
