-- The unallocated share of each sub-platform's cost, day by day.

with

daily as (
    select
        usage_date,
        platform || ': ' || sub_platform as sub_platform,
        sum(spend) as spend,
        sum(free_spend) as free_spend
    from {{ ref('unallocated_capacity') }}
    group by usage_date, platform, sub_platform
)

select
    usage_date,
    sub_platform,
    cast(free_spend / spend as decimal(11, 10)) as unallocated_share
from daily
where spend > 0
order by usage_date asc, sub_platform asc
