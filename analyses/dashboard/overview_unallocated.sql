-- What platforms offered in the last 28 days and nobody held, and all that platforms split. Both
-- count a dollar once: what is free on one platform is not handed to the next, and what was split
-- stands in daily_spend with the last platform only.

with

last_days as (
    select max(usage_date) - 27 as first_date
    from {{ ref('daily_spend') }}
),

unallocated as (
    select sum(capacity.free_spend) as free_spend
    from {{ ref('unallocated_capacity') }} as capacity
    cross join last_days
    where capacity.usage_date >= last_days.first_date
),

platforms as (
    select sum(spend.spend) as platform_spend
    from {{ ref('daily_spend') }} as spend
    cross join last_days
    where spend.usage_date >= last_days.first_date and spend.platform is not null
)

select
    unallocated.free_spend,
    platforms.platform_spend
from unallocated
cross join platforms
