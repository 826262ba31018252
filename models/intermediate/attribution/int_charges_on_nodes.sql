-- What each node pays of the charges that are for nodes, where a platform is pooled by node: a
-- charge is allocated to its nodes by their list cost, and the rest is for the whole sub-platform.
-- Empty if no platform is pooled by node.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set charge = [
    'billing_period', 'payer_account_id', 'account_id', 'lyft_label', 'rule_order', 'product',
    'usage_type', 'operation', 'region', 'instance_type', 'pricing_model', 'charge_class',
    'platform', 'sub_platform', 'cost_model', 'usage_hour', 'interval_hours', 'is_period_charge'
] + carried_columns() %}
{% set costs = [
    'true_cost', 'net_unblended_cost', 'net_amortized_cost', 'unblended_cost', 'list_cost',
    'usage_amount'
] %}
{% set billed_alike = charge | reject('in', ['charge_class', 'cost_model']) | list %}

with

charges as (
    select
        *,
        coalesce(label_rule, 0) as rule_order
    from {{ ref('int_charges_true_cost') }}
    where {{ in_month('billing_period') }} and charge_class = 'usage'
),

keys as (
    select * from {{ ref('int_platform_keys') }}
    where {{ in_month('billing_period') }} and pool_by = 'node'
),

nodes as (
    select
        charges.billing_period,
        charges.payer_account_id,
        charges.account_id,
        label_keys.lyft_label,
        coalesce(label_keys.label_rule, 0) as rule_order,
        charges.product,
        charges.usage_type,
        charges.operation,
        charges.region,
        charges.instance_type,
        charges.pricing_model,
        {{ carried('charges') }}
        instances.platform,
        instances.sub_platform,
        instances.instance_id,
        {{ usd('sum(instances.list_cost)') }} as list_cost,
        charges.usage_hour,
        charges.interval_hours,
        charges.is_period_charge
    from {{ ref('int_instances_billed') }} as instances
    inner join {{ ref('charges') }} as charges
        on
            instances.billing_period = charges.billing_period
            and instances.charge_id = charges.charge_id
    inner join {{ ref('int_label_matches') }} as label_keys on {{ matches_label('label_keys') }}
    where
        {{ in_month('instances.billing_period') }}
        and {{ in_month('charges.billing_period') }}
        and {{ in_month('label_keys.billing_period') }}
        and charges.charge_class = 'usage'
    group by
        charges.billing_period,
        charges.payer_account_id,
        charges.account_id,
        label_keys.lyft_label,
        coalesce(label_keys.label_rule, 0),
        charges.product,
        charges.usage_type,
        charges.operation,
        charges.region,
        charges.instance_type,
        charges.pricing_model,
        {{ carried('charges') }}
        instances.platform,
        instances.sub_platform,
        instances.instance_id,
        charges.usage_hour,
        charges.interval_hours,
        charges.is_period_charge
),

assigned as (
    select
        charges.*,
        keys.platform,
        keys.sub_platform,
        keys.cost_model
    from charges
    inner join keys on {{ matches_platform('keys', 'charges') }}
),

on_nodes as (
    select
        {%- for column in charge %}
            assigned.{{ column }},
        {%- endfor %}
        nodes.instance_id as requested_capacity_pool,
        {{ units('nodes.list_cost') }} as list_units,
        {%- for cost in costs %}
            {{ units('assigned.' ~ cost) }} as {{ cost }}_units,
        {%- endfor %}
        {{ units('assigned.list_cost') }} as charge_list_units
    from assigned
    inner join nodes on {{ same('assigned', 'nodes', billed_alike) }}
),

shared as (
    select * from on_nodes
    union all
    select
        {{ charge | join(',\n        ') }},
        'all' as requested_capacity_pool,
        max(charge_list_units) - sum(list_units) as list_units,
        {%- for cost in costs %}
            max({{ cost }}_units) as {{ cost }}_units,
        {%- endfor %}
        max(charge_list_units) as charge_list_units
    from on_nodes
    group by {{ charge | join(', ') }}
    having max(charge_list_units) > sum(list_units)
),

measures as (
    {%- for cost in costs %}
        select
            {{ charge | join(',\n            ') }},
            requested_capacity_pool,
            list_units,
            '{{ cost }}' as measure,
            {{ cost }}_units as charge_units
        from shared
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

{{ allocate_largest_remainder(
    'allocated', of='measures', by=charge + ['measure'], weight='list_units',
    whole='max(charge_units)', ties=['requested_capacity_pool'], keep=[]
) }}

select
    -- who
    billing_period,
    payer_account_id,
    account_id,
    lyft_label,
    rule_order,

    -- what
    product,
    usage_type,
    operation,
    region,
    instance_type,
    pricing_model,
    charge_class,
    {{ carried() }}

    -- which node
    platform,
    sub_platform,
    cost_model,
    requested_capacity_pool,

    -- what it cost
    {%- for cost in costs %}
        {{ from_units(
            "sum(case when measure = '" ~ cost ~ "' then allocated_units else 0 end)",
            'decimal(25, 10)'
        ) }} as {{ cost }},
    {%- endfor %}

    -- when
    usage_hour,
    interval_hours,
    is_period_charge
from allocated
group by {{ charge | join(', ') }}, requested_capacity_pool
