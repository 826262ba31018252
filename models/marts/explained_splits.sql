-- The usage that each split is based on: hour by hour, one row for each platform in each chain of
-- splits that brings spend to a label. On each row spend_before x usage / total_usage =
-- spend_after, to the ten digits of a proportion. The spend after the last platform of every chain
-- adds up to explained_spend exactly.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set schedule = [
    'usage_hour', 'interval_hours', 'platform', 'sub_platform', 'capacity_pool', 'cost_model'
] %}
{% set by = [
    'billing_period', 'is_period_charge', 'usage_hour', 'interval_hours', 'lyft_label', 'way',
    'usage_of', 'step', 'is_last_step', 'step_platform', 'step_sub_platform', 'step_capacity_pool',
    'step_cost_model', 'step_label', 'basis'
] %}

with

charges as (
    select * from {{ ref('int_platform_charges') }}
    where {{ in_month('billing_period') }} and platform is not null
),

steps as (
    select * from {{ ref('int_allocation_steps') }}
    where {{ in_months_of_bill('usage_month') }}
),

weights as (
    select
        {{ schedule | join(',\n        ') }},
        lyft_label,
        weight_units,
        counted_times
    from {{ ref('int_interval_schedules') }}
    where {{ in_months_of_bill('usage_month') }} and is_served
    union all
    select
        usage_hour,
        1 as interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        lyft_label,
        weight_units,
        1 as counted_times
    from {{ ref('int_cost_model_weights') }}
    where {{ in_months_of_bill('usage_month') }} and is_served
),

totals as (
    select
        {{ schedule | join(',\n        ') }},
        sum(weight_units) as weight_units
    from weights
    group by {{ schedule | join(', ') }}
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

-- The unit that a platform's owner counts in; NULL where it changes within a month.
owner_units as (
    select
        {{ month_of('usage_hour') }} as usage_month,
        platform,
        sub_platform,
        case when min(unit) = max(unit) then min(unit) end as unit
    from {{ ref('stg_platforms__usage') }}
    group by {{ month_of('usage_hour') }}, platform, sub_platform
),

split as (
    select
        charges.billing_period,
        charges.is_period_charge,
        {%- for column in schedule %}
            charges.{{ column }},
        {%- endfor %}
        coalesce(steps.lyft_label, charges.source_label) as lyft_label,
        charges.true_cost,
        coalesce(steps.way, {{ step_of_way(
            'charges.platform', 'charges.sub_platform', 'charges.capacity_pool', 'charges.cost_model'
        ) }}) as way,
        coalesce(steps.usage_of, 'unattributed') as usage_of,
        coalesce(steps.step, 1) as step,
        coalesce(steps.is_last_step, true) as is_last_step,
        coalesce(steps.step_platform, charges.platform) as step_platform,
        coalesce(steps.step_sub_platform, charges.sub_platform) as step_sub_platform,
        coalesce(steps.step_capacity_pool, charges.capacity_pool) as step_capacity_pool,
        coalesce(steps.step_cost_model, charges.cost_model) as step_cost_model,
        coalesce(steps.step_label, 'unattributed') as step_label,
        coalesce(steps.proportion_before, cast(1 as decimal(11, 10))) as proportion_before,
        coalesce(steps.proportion, cast(1 as decimal(11, 10))) as proportion,
        coalesce(steps.basis, 'unattributed') as basis
    from charges
    left join steps on {{ same('charges', 'steps', schedule) }}
),

-- The sum of all charges that one schedule splits.
summed as (
    select
        {{ by | join(', ') }},
        max(proportion) as proportion,
        cast(sum(true_cost) as decimal(38, 10)) as charge_true_cost,
        cast(sum(true_cost * proportion_before) as decimal(38, 20)) as spend_before,
        cast(sum(true_cost * proportion) as decimal(38, 20)) as spend_after
    from split
    group by {{ by | join(', ') }}
),

-- An unattributed hour has no known usage.
used as (
    select
        summed.*,
        case
            when summed.step_label <> 'unattributed' or weights.weight_units < totals.weight_units
                then weights.weight_units
        end as usage_units,
        case
            when summed.step_label <> 'unattributed' or weights.weight_units < totals.weight_units
                then totals.weight_units
        end as total_units,
        weights.counted_times
    from summed
    left join weights
        on
            summed.usage_hour = weights.usage_hour
            and summed.interval_hours = weights.interval_hours
            and summed.step_platform = weights.platform
            and summed.step_sub_platform = weights.sub_platform
            and summed.step_capacity_pool = weights.capacity_pool
            and summed.step_cost_model = weights.cost_model
            and summed.step_label = weights.lyft_label
    left join totals on {{ same('weights', 'totals', schedule) }}
)

select
    -- when
    cast(used.usage_hour as date) as usage_date,
    used.usage_hour,
    used.interval_hours,
    used.billing_period,
    used.is_period_charge,

    -- what it cost: all charges, the part before this platform's split, and the part after it
    used.charge_true_cost,
    used.spend_before,
    used.spend_after,

    -- by which usage
    {{ amount_of_weight('used.usage_units', 'used.step_cost_model', 'used.counted_times') }}
        as usage,
    {{ amount_of_weight('used.total_units', 'used.step_cost_model', 'used.counted_times') }}
        as total_usage,
    {{ unit_of_usage('used.step_cost_model', 'platforms', 'owner_units.unit') }} as unit,
    used.proportion,
    used.basis,

    -- who
    used.lyft_label,
    used.way,
    used.usage_of,

    -- which platform in the chain
    used.step,
    used.is_last_step,
    {{ step_of_way(
        'used.step_platform', 'used.step_sub_platform', 'used.step_capacity_pool',
        'used.step_cost_model'
    ) }} as step_name,
    used.step_platform as platform,
    used.step_sub_platform as sub_platform,
    used.step_capacity_pool as capacity_pool,
    used.step_cost_model as cost_model,
    used.step_label as usage_label
from used
left join platforms
    on
        used.step_platform = platforms.platform
        and used.step_sub_platform = platforms.sub_platform
        and used.usage_hour >= platforms.valid_from
        and used.usage_hour < platforms.valid_until
left join owner_units
    on
        used.step_platform = owner_units.platform
        and used.step_sub_platform = owner_units.sub_platform
        and {{ month_of('used.usage_hour') }} = owner_units.usage_month
