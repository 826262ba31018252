-- What nobody held of each sub-platform, as a part of what it cost, week by week.

with

weekly as (
    select
        cast(date_trunc('week', usage_date) as date) as week,
        platform || ': ' || sub_platform as sub_platform,
        sum(spend) as spend,
        sum(free_spend) as free_spend
    from {{ ref('unallocated_capacity') }}
    group by week, platform, sub_platform
)

select
    week,
    sub_platform,
    cast(free_spend / spend as decimal(11, 10)) as unallocated_share
from weekly
where spend > 0
order by week asc, sub_platform asc
