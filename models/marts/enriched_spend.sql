-- The one place where money and usage meet: what a platform cost in an hour, times the proportion
-- of it that each label held. The product is exact, so the parts add up to the charge to the last
-- digit. What no platform splits stays as it is, and so does what a platform cannot tell about.

with

charges as (
    select * from {{ ref('int_charges_by_pool') }}
),

schedules as (
    select * from {{ ref('int_schedules') }}
),

split as (
    select
        charges.billing_period,
        charges.payer_account_id,
        charges.account_id,
        case
            when coalesce(schedules.lyft_label, 'unattributed') = 'unattributed'
                then charges.source_label
            else schedules.lyft_label
        end as lyft_label,
        charges.source_label,
        charges.platform,
        charges.sub_platform,
        charges.capacity_pool,
        charges.cost_model,
        charges.product,
        charges.charge_class,
        coalesce(schedules.proportion, cast(1 as decimal(11, 10))) as proportion,
        case
            when charges.platform is null then null
            when schedules.basis is null then 'unattributed'
            when charges.is_without_its_pool then 'sub_platform'
            else schedules.basis
        end as basis,
        charges.true_cost,
        charges.usage_hour,
        charges.interval_hours,
        charges.is_period_charge
    from charges
    left join schedules
        on
            charges.usage_hour = schedules.usage_hour
            and charges.interval_hours = schedules.interval_hours
            and charges.platform = schedules.platform
            and charges.sub_platform = schedules.sub_platform
            and charges.capacity_pool = schedules.capacity_pool
            and charges.cost_model = schedules.cost_model
)

select
    -- who
    billing_period,
    payer_account_id,
    account_id,
    lyft_label,
    case
        when platform is null then lyft_label
        else concat(lyft_label, ' (', platform, ': ', sub_platform, ')')
    end as spend_label,
    source_label,

    -- through which platform
    platform,
    sub_platform,
    capacity_pool,
    cost_model,
    '' as via,
    basis,

    -- what
    nullif(product, '') as product,
    charge_class,

    -- how much of it
    proportion,

    -- what it cost
    true_cost as charge_true_cost,
    cast(true_cost * proportion as decimal(38, 20)) as spend,

    -- when
    usage_hour,
    interval_hours,
    is_period_charge
from split
