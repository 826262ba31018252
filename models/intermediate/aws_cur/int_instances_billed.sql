-- The instances in a charge that are nodes of clusters, each with its list cost, where a platform
-- is pooled by node: a charge is one row for all instances that are billed alike. Empty if no
-- platform is pooled by node.
-- depends_on: {{ ref('stg_seeds__label_rules') }}
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set charge = charge_id('on_nodes', labelled_resource_id()) %}

with

line_items as (
    select
        *,
        {{ instance_of('resource_id') }} as instance_id
    from {{ ref('int_line_items_priced') }}
    where {{ in_month('billing_period') }} and charge_class = 'usage' and list_cost > 0
),

-- A node counts for the bills of the months around it too, as far away as an hour may fill a gap.
months as (
    select
        billing_period,
        {{ plus_hours("cast(concat(usage_month, '-01') as timestamp)", '-' ~ gap_filling_hours()) }}
            as usable_from,
        {{ plus_hours(
            "date_trunc('month', cast(concat(usage_month, '-01') as timestamp)"
            ~ " + interval '32' day)", gap_filling_hours()
        ) }} as usable_until
    from {{ ref('int_period_months') }}
    where {{ in_month('billing_period') }}
),

node_hours as (
    select * from {{ ref('stg_kubernetes__node_hours') }}
    where
        usage_hour >= (select min(months.usable_from) from months)
        and usage_hour < (select max(months.usable_until) from months)
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
            node_hours.usage_hour >= months.usable_from
            and node_hours.usage_hour < months.usable_until
    where node_hours.instance_id is not null
),

on_nodes as (
    select
        line_items.*,
        nodes.platform,
        nodes.sub_platform
    from line_items
    inner join nodes
        on
            line_items.billing_period = nodes.billing_period
            and line_items.instance_id = nodes.instance_id
)

select
    -- which charge
    on_nodes.billing_period,
    on_nodes.payer_account_id,
    {{ charge }} as charge_id,

    -- which node
    on_nodes.platform,
    on_nodes.sub_platform,
    on_nodes.instance_id,

    -- how much of it
    {{ usd('sum(on_nodes.list_cost)') }} as list_cost
from on_nodes
group by
    on_nodes.billing_period,
    on_nodes.payer_account_id,
    {{ charge }},
    on_nodes.platform,
    on_nodes.sub_platform,
    on_nodes.instance_id
