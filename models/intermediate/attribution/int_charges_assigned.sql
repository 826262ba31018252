-- Every charge with the platform that splits it, if any does, and the capacity pool that it pays
-- for. As few rows as the split needs: what only a reader of the bill asks is summed up.

with

charges as (
    select * from {{ ref('int_charges_pooled') }}
),

keys as (
    select * from {{ ref('int_platform_keys') }}
),

assigned as (
    select
        charges.billing_period,
        charges.payer_account_id,
        charges.account_id,
        charges.lyft_label,
        charges.product,
        charges.charge_class,
        keys.platform,
        keys.sub_platform,
        keys.cost_model,
        case
            when keys.pool_by = 'instance_type' and charges.instance_type <> ''
                then charges.instance_type
            when keys.platform is not null then 'all'
        end as wanted_pool,
        charges.true_cost,
        charges.usage_hour,
        charges.interval_hours,
        charges.is_period_charge
    from charges
    left join keys
        on
            charges.lyft_label = keys.lyft_label
            and charges.product = keys.product
            and charges.usage_type = keys.usage_type
            and charges.usage_hour >= keys.valid_from
            and charges.usage_hour < keys.valid_until
)

select
    -- who
    billing_period,
    payer_account_id,
    account_id,
    lyft_label as source_label,

    -- what
    product,
    charge_class,

    -- who splits it, and how
    platform,
    sub_platform,
    cost_model,
    wanted_pool,

    -- what it cost
    {{ usd('sum(true_cost)') }} as true_cost,

    -- when
    usage_hour,
    case when platform is not null then interval_hours end as interval_hours,
    is_period_charge
from assigned
group by
    billing_period,
    payer_account_id,
    account_id,
    lyft_label,
    product,
    charge_class,
    platform,
    sub_platform,
    cost_model,
    wanted_pool,
    usage_hour,
    case when platform is not null then interval_hours end,
    is_period_charge
