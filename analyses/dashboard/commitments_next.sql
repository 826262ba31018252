-- The next commitment that ends after the last complete day of the bill.

select
    cast(commitments.ends_at as date) as ends_on,
    commitments.commitment_name || ' (' || replace(commitments.commitment_type, '_', ' ') || ')'
        as note
from {{ ref('commitments') }} as commitments
inner join {{ ref('time_spine') }} as last_day
    on
        last_day.days_back = 1
        and cast(commitments.ends_at as date) > last_day.date_day
order by commitments.ends_at asc, commitments.commitment_name asc
limit 1
