-- Each commitment over the last 28 days: what it cost, how much of it was used, and what ran on
-- demand beside it.

with

hours as (
    select * from {{ ref('commitment_usage') }}
    -- Of hours to come nobody knows what is used.
    where used_cost is not null
),

last_days as (
    select cast(max(usage_hour) as date) - 27 as first_date
    from hours
)

select
    hours.commitment_id,
    hours.commitment_type,
    sum(hours.commitment_cost) as commitment_cost,
    sum(hours.unused_cost) as unused_cost,
    case
        when sum(hours.commitment_cost) > 0
            then cast(sum(hours.used_cost) / sum(hours.commitment_cost) as decimal(11, 10))
    end as utilization,
    sum(hours.on_demand_list_cost) as on_demand_list_cost,
    cast(min(hours.usage_hour) as date) as first_day,
    cast(max(hours.usage_hour) as date) as last_day
from hours
cross join last_days
where hours.usage_hour >= last_days.first_date
group by hours.commitment_id, hours.commitment_type
order by unused_cost desc, commitment_cost desc
