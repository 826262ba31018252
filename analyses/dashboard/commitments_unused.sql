-- What commitments cost in the last 28 complete days, and what of it nobody used; hours to come
-- have neither.

select
    sum(hours.commitment_cost) as commitment_cost,
    sum(hours.unused_cost) as unused_cost
from {{ ref('commitment_usage') }} as hours
inner join {{ ref('time_spine') }} as spine on cast(hours.usage_hour as date) = spine.date_day
where spine.days_back <= 28 and hours.unused_cost is not null
having count(*) > 0
