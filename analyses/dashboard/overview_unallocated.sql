-- What platforms offered in the last 28 days and nobody held, and all that platforms split. Both
-- count a dollar once: what is free on one platform is not handed to the next, and what several
-- platforms split is the first one's.

with

last_days as (
    select max(usage_date) - 27 as first_date
    from {{ ref('daily_spend') }}
)

select
    sum(capacity.free_spend) as free_spend,
    sum(capacity.first_spend) as platform_spend
from {{ ref('unallocated_capacity') }} as capacity
cross join last_days
where capacity.usage_date >= last_days.first_date
