-- Weights become proportions that add up to exactly 1, by the one rounding rule of the house: for
-- every hour, and for every longer interval that a charge asks for.

with

weights as (
    select
        usage_hour,
        cast(1 as bigint) as interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        lyft_label,
        basis,
        coverage,
        weight_units
    from {{ ref('int_weights_laddered') }}
    union all
    select
        usage_hour,
        interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        lyft_label,
        basis,
        cast(null as decimal(11, 10)) as coverage,
        weight_units
    from {{ ref('int_weights_of_intervals') }}
),

{{ deal(
    'dealt',
    of='weights',
    by=[
        'usage_hour', 'interval_hours', 'platform', 'sub_platform', 'capacity_pool', 'cost_model'
    ],
    weight='weight_units',
    ties=['lyft_label'],
    keep=['basis', 'coverage'],
) }}

select
    -- ids
    platform,
    sub_platform,
    capacity_pool,
    cost_model,
    lyft_label,

    -- how much
    {{ from_units('dealt_units') }} as proportion,

    -- how well it is known
    basis,
    coverage,

    -- when
    usage_hour,
    interval_hours
from dealt
