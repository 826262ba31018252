-- Each commitment over the last 28 complete days: what it cost, how much of it was used, which part
-- of what it could cover it covered, and what ran on demand beside it.

select
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
    case
        when sum(hours.pool_list_cost) > 0
            then cast(sum(hours.covered_list_cost) / sum(hours.pool_list_cost) as decimal(11, 10))
    end as coverage,
    sum(hours.on_demand_list_cost) as on_demand_list_cost,
    count(distinct spine.date_day) as day_count,
    hours.payer_account_id,
    case hours.commitment_type when 'reservation' then '_unused_ri' else '_unused_sp' end as service
from {{ ref('commitment_usage') }} as hours
inner join {{ ref('time_spine') }} as spine on cast(hours.usage_hour as date) = spine.date_day
left join {{ ref('commitments') }} as commitments
    on
        hours.payer_account_id = commitments.payer_account_id
        and hours.commitment_id = commitments.commitment_id
        and hours.commitment_type = commitments.commitment_type
-- The unused cost of hours to come is not known.
where spine.days_back <= 28 and hours.unused_cost is not null
group by
    hours.payer_account_id,
    hours.commitment_id,
    hours.commitment_type,
    commitments.commitment_name,
    commitments.ends_at
order by unused_cost desc, commitment_cost desc
