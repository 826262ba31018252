-- What platforms offered and nobody held: the talk's unallocated capacity, in dollars.

with

spend as (
    select
        cast(usage_hour as date) as usage_date,
        platform,
        sub_platform,
        capacity_pool,
        sum(spend) as spend,
        sum(case when lyft_label = 'free' then spend else 0 end) as free_spend
    from {{ ref('enriched_spend') }}
    where platform is not null
    group by cast(usage_hour as date), platform, sub_platform, capacity_pool
)

select
    -- which capacity
    platform,
    sub_platform,
    capacity_pool,

    -- what it cost
    cast(spend as decimal(38, 20)) as spend,
    cast(free_spend as decimal(38, 20)) as free_spend,
    case
        when cast(spend as decimal(25, 10)) > 0 and free_spend between 0 and spend
            then {{ part_of(
                'cast(free_spend as decimal(25, 10))', 'cast(spend as decimal(25, 10))'
            ) }}
    end as free_share,

    -- when
    usage_date
from spend
