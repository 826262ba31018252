-- Weights become proportions that add up to exactly 1, by the project's one rounding rule (the
-- macro `allocate_largest_remainder`): for every hour, and for every longer interval that a charge
-- is for.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

with

weights as (
    select
        usage_hour,
        cast(1 as bigint) as interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        is_served,
        is_measured,
        lyft_label,
        basis,
        coverage,
        weight_units
    from {{ ref('int_cost_model_weights') }}
    where {{ in_month('usage_month') }}
    union all
    select
        usage_hour,
        interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        is_served,
        is_measured,
        lyft_label,
        basis,
        cast(null as decimal(11, 10)) as coverage,
        weight_units
    from {{ ref('int_weights_of_intervals') }}
    where {{ in_month('usage_month') }}
),

{{ allocate_largest_remainder(
    'dealt',
    of='weights',
    by=[
        'usage_hour',
        'interval_hours',
        'platform',
        'sub_platform',
        'capacity_pool',
        'cost_model',
        'is_served',
    ],
    weight='weight_units',
    ties=['lyft_label'],
    keep=['is_measured', 'basis', 'coverage'],
) }},

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

handovers as (
    select * from {{ ref('int_handovers') }}
    where {{ in_month('usage_month') }}
)

select
    -- ids
    dealt.platform,
    dealt.sub_platform,
    dealt.capacity_pool,
    dealt.cost_model,
    dealt.lyft_label,
    dealt.is_served,
    dealt.is_measured,
    dealt.lyft_label = 'unattributed'
    or (dealt.lyft_label = 'free' and platforms.free_policy = 'owner') as goes_back,

    -- which platform splits it next
    handovers.next_platform,
    handovers.next_sub_platform,
    handovers.next_cost_model,

    -- how much
    {{ from_units('dealt.allocated_units') }} as proportion,

    -- how well it is known
    dealt.basis,
    dealt.coverage,

    -- when
    {{ month_of('dealt.usage_hour') }} as usage_month,
    dealt.usage_hour,
    dealt.interval_hours
from dealt
inner join platforms
    on
        dealt.platform = platforms.platform
        and dealt.sub_platform = platforms.sub_platform
        and dealt.usage_hour >= platforms.valid_from
        and dealt.usage_hour < platforms.valid_until
left join handovers
    on
        dealt.is_served
        and dealt.platform = handovers.platform
        and dealt.sub_platform = handovers.sub_platform
        and dealt.lyft_label = handovers.lyft_label
        and dealt.usage_hour >= handovers.valid_from
        and dealt.usage_hour < handovers.valid_until
