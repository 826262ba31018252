-- What nobody held of each sub-platform, as a part of what it cost, week by week.

with

weekly as (
    select
        cast(date_trunc('week', usage_date) as date) as usage_week,
        platform || ': ' || sub_platform as sub_platform,
        sum(spend) as spend,
        sum(free_spend) as free_spend
    from {{ ref('unallocated_capacity') }}
    group by usage_week, platform, sub_platform
)

select
    usage_week,
    sub_platform,
    cast(free_spend / spend as decimal(11, 10)) as unallocated_share
from weekly
where spend > 0
order by usage_week asc, sub_platform asc
