-- spend = a charge's true cost x the label's proportion in the schedules that split it, through all
-- platforms. The product is exact, so the parts add up to the charge to the last digit. A charge
-- that no platform splits keeps its label, and so does the part for which a platform knows no
-- usage.
{{ config(
    materialized='incremental',
    unique_key='billing_period',
    partition_by=spark_only('billing_period'),
    contract={'enforced': not var('carry_columns')}
) }}

{% set grain = [
    'usage_hour', 'billing_period', 'is_period_charge', 'payer_account_id', 'account_id',
    'lyft_label', 'platform', 'sub_platform', 'capacity_pool', 'cost_model', 'interval_hours',
    'via', 'source_label', 'product', 'charge_class', 'basis'
] + carried_columns(of_marts=true) %}

with

charges as (
    select * from {{ ref('int_platform_charges') }}
    where {{ in_month('billing_period') }}
),

splits as (
    select * from {{ ref('int_allocation_shares') }}
    where {{ in_months_of_bill('usage_month') }}
),

split as (
    select
        charges.usage_hour,
        charges.billing_period,
        charges.is_period_charge,
        charges.payer_account_id,
        charges.account_id,
        coalesce(splits.lyft_label, charges.source_label) as lyft_label,
        coalesce(splits.last_platform, charges.platform) as platform,
        coalesce(splits.last_sub_platform, charges.sub_platform) as sub_platform,
        coalesce(splits.last_capacity_pool, charges.capacity_pool) as capacity_pool,
        coalesce(splits.last_cost_model, charges.cost_model) as cost_model,
        charges.interval_hours,
        case
            when splits.via is null then ''
            when charges.is_without_its_pool
                then concat({{ step_of_way(
                    'charges.platform', 'charges.sub_platform', "'sub_platform'", 'charges.cost_model'
                ) }}, splits.via)
            else concat({{ step_of_way(
                'charges.platform', 'charges.sub_platform', 'charges.capacity_pool',
                'charges.cost_model'
            ) }}, splits.via)
        end as via,
        charges.source_label,
        charges.product,
        charges.charge_class,
        case
            when charges.platform is null then null
            when splits.basis is null then 'unattributed'
            when
                charges.is_without_its_pool
                and {{ basis_rank('splits.basis') }} < {{ basis_rank("'sub_platform'") }}
                then 'sub_platform'
            else splits.basis
        end as basis,
        {{ carried('charges', of_marts=true) }}
        charges.true_cost,
        charges.invoiced_cost,
        charges.net_amortized_cost,
        coalesce(splits.proportion, cast(1 as decimal(11, 10))) as proportion
    from charges
    left join splits
        on
            charges.usage_hour = splits.usage_hour
            and charges.interval_hours = splits.interval_hours
            and charges.platform = splits.platform
            and charges.sub_platform = splits.sub_platform
            and charges.capacity_pool = splits.capacity_pool
            and charges.cost_model = splits.cost_model
),

-- The part that returns to the charge's own label is added to that label's share of the schedule.
merged as (
    select * from split
    where lyft_label <> source_label
    union all
    select
        {{ grain | join(',\n        ') }},
        max(true_cost) as true_cost,
        max(invoiced_cost) as invoiced_cost,
        max(net_amortized_cost) as net_amortized_cost,
        cast(sum(proportion) as decimal(11, 10)) as proportion
    from split
    where lyft_label = source_label
    group by {{ grain | join(', ') }}
)

select
    -- when
    usage_hour,
    billing_period,
    interval_hours,
    is_period_charge,

    -- what it cost
    cast(true_cost * proportion as decimal(38, 20)) as spend,
    cast(invoiced_cost * proportion as decimal(38, 20)) as invoiced_cost,
    cast(net_amortized_cost * proportion as decimal(38, 20)) as net_amortized_cost,
    true_cost as charge_true_cost,

    -- how much of it
    proportion,

    -- who
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
    via,
    basis,

    -- what
    {{ carried_to_mart() }}
    nullif(product, '') as product,
    charge_class
from merged
