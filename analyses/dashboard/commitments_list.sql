-- Each commitment over the last 28 days: what it cost, how much of it was used, and what ran on
-- demand beside it.

with

hours as (
    select * from {{ ref('commitment_usage') }}
    -- Of hours to come, and of a day that goes on, nobody knows what is unused.
    where unused_cost is not null
),

last_days as (
    select cast(max(usage_hour) as date) - 27 as first_date
    from hours
)

select
    hours.payer_account_id,
    coalesce(commitments.commitment_name, hours.commitment_id) as commitment,
    hours.commitment_type,
    cast(commitments.ends_at as date) as ends_on,
    sum(hours.commitment_cost) as commitment_cost,
    sum(hours.unused_cost) as unused_cost,
    case
        when
            sum(hours.commitment_cost) > 0
            and sum(hours.used_cost) between 0 and sum(hours.commitment_cost)
            then cast(sum(hours.used_cost) / sum(hours.commitment_cost) as decimal(11, 10))
    end as utilization,
    sum(hours.on_demand_list_cost) as on_demand_list_cost,
    cast(min(hours.usage_hour) as date) as first_day,
    cast(max(hours.usage_hour) as date) as last_day
from hours
cross join last_days
left join {{ ref('commitments') }} as commitments
    on
        hours.payer_account_id = commitments.payer_account_id
        and hours.commitment_id = commitments.commitment_id
        and hours.commitment_type = commitments.commitment_type
where hours.usage_hour >= last_days.first_date
group by
    hours.payer_account_id,
    hours.commitment_id,
    hours.commitment_type,
    commitments.commitment_name,
    commitments.ends_at
order by unused_cost desc, commitment_cost desc
