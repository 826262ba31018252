-- Every charge with the platform that splits it, if any does, and the capacity pool that it pays
-- for. Where a platform is pooled by node, a charge is dealt to the nodes that it is for by their
-- list cost; what it has beyond them is for the whole sub-platform.
{{ config(materialized='view', meta={'stage': 'claimed', 'by': 'billing_period'}) }}

{% set charge = [
    'billing_period', 'payer_account_id', 'account_id', 'lyft_label', 'rule_order', 'product',
    'usage_type', 'operation', 'region', 'instance_type', 'pricing_model', 'charge_class',
    'platform', 'sub_platform', 'cost_model', 'usage_hour', 'interval_hours', 'is_period_charge'
] %}
{% set billed_alike = [
    'billing_period', 'payer_account_id', 'account_id', 'lyft_label', 'rule_order', 'product',
    'usage_type', 'operation', 'region', 'instance_type', 'pricing_model', 'platform',
    'sub_platform', 'usage_hour', 'interval_hours', 'is_period_charge'
] %}

with

charges as (
    select * from {{ ref('int_charges_pooled') }}
),

keys as (
    select * from {{ ref('int_platform_keys') }}
),

nodes as (
    select
        *,
        coalesce(label_rule, 0) as rule_order
    from {{ ref('int_nodes_billed') }}
),

assigned as (
    select
        charges.*,
        coalesce(charges.label_rule, 0) as rule_order,
        keys.platform,
        keys.sub_platform,
        keys.cost_model,
        keys.pool_by,
        case
            when keys.pool_by = 'instance_type' and charges.instance_type <> ''
                then charges.instance_type
            when keys.platform is not null then 'all'
        end as wanted_pool
    from charges
    left join keys
        on
            charges.billing_period = keys.billing_period
            and charges.lyft_label = keys.lyft_label
            and charges.product = keys.product
            and charges.usage_type = keys.usage_type
            and charges.usage_hour >= keys.valid_from
            and charges.usage_hour < keys.valid_until
),

on_nodes as (
    select
        {%- for column in charge %}
            assigned.{{ column }},
        {%- endfor %}
        nodes.instance_id as wanted_pool,
        {{ units('nodes.list_cost') }} as list_units,
        {{ units('assigned.list_cost') }} as charge_list_units,
        {{ units('assigned.true_cost') }} as charge_units
    from assigned
    inner join nodes
        on
            {%- for column in billed_alike %}
                assigned.{{ column }} = nodes.{{ column }} and
            {%- endfor %}
            assigned.pool_by = 'node'
            and assigned.charge_class = 'usage'
),

shared as (
    select * from on_nodes
    union all
    select
        {{ charge | join(',\n        ') }},
        'all' as wanted_pool,
        max(charge_list_units) - sum(list_units) as list_units,
        max(charge_list_units) as charge_list_units,
        max(charge_units) as charge_units
    from on_nodes
    group by {{ charge | join(', ') }}
    having max(charge_list_units) > sum(list_units)
),

{{ deal(
    'dealt', of='shared', by=charge, weight='list_units', whole='max(charge_units)',
    ties=['wanted_pool'], keep=[]
) }},

dealt_charges as (
    select distinct {{ charge | join(', ') }}
    from on_nodes
),

pooled as (
    select
        {{ charge | join(',\n        ') }},
        wanted_pool,
        {{ from_units('dealt_units', 'decimal(25, 10)') }} as true_cost
    from dealt
    union all
    select
        {%- for column in charge %}
            assigned.{{ column }},
        {%- endfor %}
        assigned.wanted_pool,
        assigned.true_cost
    from assigned
    left join dealt_charges
        on
            {%- for column in charge %}
                {{ 'and ' if not loop.first }}assigned.{{ column }} = dealt_charges.{{ column }}
            {%- endfor %}
    where dealt_charges.platform is null
)

select
    -- who
    billing_period,
    payer_account_id,
    account_id,
    lyft_label as source_label,
    nullif(rule_order, 0) as label_rule,

    -- what
    product,
    usage_type,
    operation,
    region,
    instance_type,
    pricing_model,
    charge_class,

    -- who splits it, and how
    platform,
    sub_platform,
    cost_model,
    wanted_pool,

    -- what it cost
    true_cost,

    -- when
    usage_hour,
    interval_hours,
    is_period_charge
from pooled
