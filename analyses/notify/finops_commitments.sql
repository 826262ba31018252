-- Commitments that end within 30 days after the last day of the bill, with what they cost in the
-- last 28 days.

with

last_day as (
    select max(date_day) as date_day
    from {{ ref('time_spine') }}
),

costs as (
    select
        hours.payer_account_id,
        hours.commitment_id,
        hours.commitment_type,
        sum(hours.commitment_cost) as commitment_cost
    from {{ ref('commitment_usage') }} as hours
    cross join last_day
    where hours.usage_hour >= last_day.date_day - 27 and hours.unused_cost is not null
    group by hours.payer_account_id, hours.commitment_id, hours.commitment_type
)

select
    'finops' as recipient,
    concat(
        commitments.payer_account_id, ', ', commitments.commitment_id, ', ',
        cast(commitments.ends_at as date)
    ) as problem,
    last_day.date_day as happened_on,
    costs.commitment_cost as spend,
    commitments.payer_account_id,
    commitments.commitment_name,
    replace(commitments.commitment_type, '_', ' ') as commitment_type,
    commitments.product,
    cast(commitments.ends_at as date) as ends_on
from {{ ref('commitments') }} as commitments
cross join last_day
left join costs
    on
        commitments.payer_account_id = costs.payer_account_id
        and commitments.commitment_id = costs.commitment_id
        and commitments.commitment_type = costs.commitment_type
where
    cast(commitments.ends_at as date)
    between last_day.date_day and last_day.date_day + 30
