-- The capacity that platforms offered and nobody requested or used: the talk's unallocated
-- capacity, in dollars, of all spend that they split at any level, before it is reallocated to
-- anybody.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

with

charges as (
    select * from {{ ref('int_platform_charges') }}
    where {{ in_hours('usage_hour') }} and platform is not null
),

passages as (
    select * from {{ ref('int_passages') }}
    where {{ in_month('usage_month') }}
),

passed as (
    select
        usage_hour,
        platform,
        sub_platform,
        capacity_pool,
        true_cost as spend,
        true_cost as first_spend,
        cast(0 as decimal(11, 10)) as free_spend
    from charges
    union all
    select
        charges.usage_hour,
        passages.last_platform as platform,
        passages.last_sub_platform as sub_platform,
        passages.last_capacity_pool as capacity_pool,
        charges.true_cost * passages.proportion as spend,
        cast(0 as decimal(25, 10)) as first_spend,
        charges.true_cost * passages.free_proportion as free_spend
    from charges
    inner join passages
        on
            charges.usage_hour = passages.usage_hour
            and charges.interval_hours = passages.interval_hours
            and charges.platform = passages.platform
            and charges.sub_platform = passages.sub_platform
            and charges.capacity_pool = passages.capacity_pool
            and charges.cost_model = passages.cost_model
),

spend as (
    select
        cast(usage_hour as date) as usage_date,
        platform,
        sub_platform,
        capacity_pool,
        sum(spend) as spend,
        sum(first_spend) as first_spend,
        sum(free_spend) as free_spend
    from passed
    group by cast(usage_hour as date), platform, sub_platform, capacity_pool
)

select
    -- when
    usage_date,
    {{ month_of('usage_date') }} as usage_month,

    -- what it cost
    cast(spend as decimal(38, 20)) as spend,
    cast(first_spend as decimal(38, 20)) as first_spend,
    cast(free_spend as decimal(38, 20)) as free_spend,
    case
        when cast(spend as decimal(25, 10)) > 0 and free_spend between 0 and spend
            then {{ part_of(
                'cast(free_spend as decimal(25, 10))', 'cast(spend as decimal(25, 10))'
            ) }}
    end as free_share,

    -- which capacity
    platform,
    sub_platform,
    capacity_pool
from spend
