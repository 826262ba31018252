-- Every charge with the platform that splits it, if any does, and the capacity pool that it pays
-- for. Where a platform is pooled by node, that is each node that the charge is for. Charges for
-- hours to come have no spend to split and are left out.
{{ config(materialized='view', meta={'month': 'billing_period'}) }}

{% set charge = [
    'billing_period', 'payer_account_id', 'account_id', 'lyft_label', 'rule_order', 'product',
    'usage_type', 'operation', 'region', 'instance_type', 'pricing_model', 'charge_class',
    'platform', 'sub_platform', 'cost_model', 'usage_hour', 'interval_hours', 'is_period_charge'
] + carried_columns() %}

with

charges as (
    select
        *,
        coalesce(label_rule, 0) as rule_order
    from {{ ref('int_charges_true_cost') }}
    where charge_class <> 'commitment_to_come'
),

keys as (
    select * from {{ ref('int_platform_keys') }}
),

assigned as (
    select
        charges.*,
        keys.platform,
        keys.sub_platform,
        keys.cost_model,
        case
            when keys.pool_by = 'instance_type' and charges.instance_type <> ''
                then charges.instance_type
            when keys.platform is not null then 'all'
        end as requested_capacity_pool
    from charges
    left join keys on {{ matches_platform('keys', 'charges') }}
),

-- The table is named where it is read, so that a query for one month reads only that month.
charges_on_nodes as (
    select distinct {{ charge | join(', ') }}
    from {{ ref('int_charges_on_nodes') }}
),

pooled as (
    select
        {{ charge | join(',\n        ') }},
        requested_capacity_pool,
        true_cost,
        net_unblended_cost,
        net_amortized_cost,
        unblended_cost,
        list_cost,
        usage_amount
    from {{ ref('int_charges_on_nodes') }}
    union all
    select
        {%- for column in charge %}
            assigned.{{ column }},
        {%- endfor %}
        assigned.requested_capacity_pool,
        assigned.true_cost,
        assigned.net_unblended_cost,
        assigned.net_amortized_cost,
        assigned.unblended_cost,
        assigned.list_cost,
        assigned.usage_amount
    from assigned
    where
        not exists (
            select 1
            from charges_on_nodes
            where {{ same('assigned', 'charges_on_nodes', charge) }}
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
