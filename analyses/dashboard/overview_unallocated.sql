-- What platforms offered in the last 28 complete days and nobody held, and all that platforms
-- split. Both count a dollar once: what is free on one platform is not handed to the next, and what
-- several platforms split is the first one's.

select
    sum(capacity.free_spend) as free_spend,
    sum(capacity.first_spend) as platform_spend
from {{ ref('unallocated_capacity') }} as capacity
inner join {{ ref('time_spine') }} as spine on capacity.usage_date = spine.date_day
where spine.days_back <= 28
