-- Every charge with its label, at the grain of the mart `true_cost`. The unused cost of a
-- commitment keeps the commitment's own label, whatever the rules say; fees for hours to come have
-- no label yet.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

with

charges as (
    select * from {{ ref('charges') }}
    where {{ in_month('billing_period') }}
),

keys as (
    select * from {{ ref('int_label_matches') }}
    where {{ in_month('billing_period') }}
),

labelled as (
    select
        charges.billing_period,
        charges.payer_account_id,
        charges.account_id,
        case
            when charges.charge_class = 'commitment_fee' and charges.pricing_model = 'reserved'
                then '_unused_ri'
            when charges.charge_class = 'commitment_fee' then '_unused_sp'
            when charges.charge_class = 'unused_commitment' and charges.savings_plan_id <> ''
                then '_unused_sp'
            when charges.charge_class = 'unused_commitment' then '_unused_ri'
            when charges.charge_class = 'commitment_to_come' then 'unlabeled'
            when charges.charge_class = 'discount' and not charges.has_net_costs
                then '_unallocated_discount'
            else keys.lyft_label
        end as lyft_label,
        case
            when
                charges.charge_class in (
                    'commitment_fee', 'commitment_to_come', 'unused_commitment'
                )
                then null
            when charges.charge_class = 'discount' and not charges.has_net_costs then null
            else keys.label_rule
        end as label_rule,
        charges.charge_class,
        charges.pricing_model,
        charges.product,
        charges.usage_type,
        charges.operation,
        charges.region,
        charges.instance_type,
        charges.commitment_pool,
        charges.plan_pool,
        charges.instance_plan_pool,
        {{ carried('charges') }}
        charges.usage_amount,
        charges.list_cost,
        charges.unblended_cost,
        charges.net_unblended_cost,
        charges.net_amortized_cost,
        charges.usage_hour,
        charges.interval_hours,
        charges.is_period_charge
    from charges
    inner join keys on {{ matches_label('keys') }}
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
    plan_pool,
    instance_plan_pool,
    {{ carried() }}

    -- how much of it
    cast(sum(usage_amount) as decimal(38, 10)) as usage_amount,

    -- what AWS says it cost
    cast(sum(list_cost) as decimal(38, 10)) as list_cost,
    cast(sum(unblended_cost) as decimal(38, 10)) as unblended_cost,
    cast(sum(net_unblended_cost) as decimal(38, 10)) as net_unblended_cost,
    cast(sum(net_amortized_cost) as decimal(38, 10)) as net_amortized_cost,

    -- when
    usage_hour,
    interval_hours,
    is_period_charge
from labelled
group by
    billing_period,
    payer_account_id,
    account_id,
    lyft_label,
    label_rule,
    charge_class,
    pricing_model,
    product,
    usage_type,
    operation,
    region,
    instance_type,
    commitment_pool,
    plan_pool,
    instance_plan_pool,
    {{ carried() }}
    usage_hour,
    interval_hours,
    is_period_charge
