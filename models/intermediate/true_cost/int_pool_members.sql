-- The charges that share the cost of commitments: hours of instances, and of other usage that
-- commitments can cover, with a list price, whether covered by a reservation, a savings plan or
-- nothing. Spot is never covered.
{{ config(materialized='view', meta={'month': 'billing_period'}) }}

with

members as (
    select * from {{ ref('int_charges_labelled') }}
    where commitment_pool <> '' and charge_class = 'usage'
),

shared as (
    select
        members.*,
        discount_sharing.sharing_group
    from members
    left join {{ ref('stg_seeds__discount_sharing') }} as discount_sharing
        on
            members.account_id = discount_sharing.account_id
            and members.usage_hour >= discount_sharing.valid_from
            and members.usage_hour < discount_sharing.valid_until
)

select
    -- who
    billing_period,
    payer_account_id,
    account_id,
    lyft_label,
    label_rule,

    -- what
    charge_class,
    pricing_model,
    product,
    usage_type,
    operation,
    region,
    instance_type,
    commitment_pool,
    {{ carried() }}
    case
        when {{ savings_plans_for('product') }} is null then ''
        else concat_ws('|', {{ savings_plans_for('product') }}, sharing_group)
    end as plan_pool,
    case
        when product = 'AmazonEC2'
            then {{ instance_plan_pool(
                    "split_part(commitment_pool, '|', 2)", "split_part(commitment_pool, '|', 3)"
                ) }}
        else ''
    end as instance_plan_pool,

    -- how much of it
    usage_amount,
    {{ units('list_cost') }} as list_units,

    -- what it cost
    list_cost,
    unblended_cost,
    net_unblended_cost,
    net_amortized_cost,
    {{ units('net_amortized_cost') }} as cost_units,

    -- when
    usage_hour,
    interval_hours,
    is_period_charge
from shared
