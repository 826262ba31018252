-- Every charge with the platform that splits it, if any does, and the capacity pool that it pays
-- for. Where a platform is pooled by node, a charge is allocated to its nodes by their list cost,
-- and the rest is for the whole sub-platform. Charges for hours to come have no spend to split and
-- are left out.
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
    where {{ in_month('billing_period') }} and charge_class <> 'commitment_to_come'
),

keys as (
    select * from {{ ref('int_platform_keys') }}
    where {{ in_month('billing_period') }}
),

-- The nodes in charges that are billed alike.
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
        keys.cost_model,
        keys.pool_by,
        case
            when keys.pool_by = 'instance_type' and charges.instance_type <> ''
                then charges.instance_type
            when keys.platform is not null then 'all'
        end as requested_capacity_pool
    from charges
    left join keys on {{ matches_platform('keys', 'charges') }}
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
    where assigned.pool_by = 'node' and assigned.charge_class = 'usage'
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
) }},

pooled as (
    select
        {{ charge | join(',\n        ') }},
        {%- for cost in costs %}
            {{ from_units(
                "sum(case when measure = '" ~ cost ~ "' then allocated_units else 0 end)",
                'decimal(25, 10)'
            ) }} as {{ cost }},
        {%- endfor %}
        requested_capacity_pool
    from allocated
    group by {{ charge | join(', ') }}, requested_capacity_pool
    union all
    select
        {%- for column in charge + costs %}
            assigned.{{ column }},
        {%- endfor %}
        assigned.requested_capacity_pool
    from assigned
    where
        not exists (
            select 1
            from on_nodes
            where {{ same('assigned', 'on_nodes', charge) }}
        )
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
    {{ carried() }}

    -- who splits it, and how
    platform,
    sub_platform,
    cost_model,
    requested_capacity_pool,

    -- what it cost
    true_cost,
    net_unblended_cost as invoiced_cost,
    net_amortized_cost,
    unblended_cost,
    list_cost,
    usage_amount,

    -- when
    usage_hour,
    interval_hours,
    is_period_charge
from pooled
