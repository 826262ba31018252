-- What expires next: the commitments that end within 90 days after the last complete day of the
-- bill, or ended within the 30 days before, with what they cost in the last 28 complete days.

with

costs as (
    select
        hours.payer_account_id,
        hours.commitment_id,
        hours.commitment_type,
        sum(hours.commitment_cost) as commitment_cost
    from {{ ref('commitment_usage') }} as hours
    inner join {{ ref('time_spine') }} as spine on cast(hours.usage_hour as date) = spine.date_day
    where spine.days_back <= 28 and hours.unused_cost is not null
    group by hours.payer_account_id, hours.commitment_id, hours.commitment_type
)

select
    cast(commitments.ends_at as date) as ends_on,
    commitments.commitment_name as commitment,
    commitments.commitment_type,
    commitments.product,
    costs.commitment_cost,
    commitments.payer_account_id
from {{ ref('commitments') }} as commitments
inner join {{ ref('time_spine') }} as last_day
    on
        last_day.days_back = 1
        and cast(commitments.ends_at as date)
        between last_day.date_day - 30 and last_day.date_day + 90
left join costs
    on
        commitments.payer_account_id = costs.payer_account_id
        and commitments.commitment_id = costs.commitment_id
        and commitments.commitment_type = costs.commitment_type
order by ends_on asc, costs.commitment_cost desc, commitment asc
