-- What commitments cost, day by day, and how much of that was used.

select
    cast(usage_hour as date) as usage_date,
    commitment_type,
    sum(commitment_cost) as commitment_cost,
    sum(used_cost) as used_cost,
    sum(unused_cost) as unused_cost
from {{ ref('commitment_usage') }}
group by cast(usage_hour as date), commitment_type
order by usage_date asc, commitment_type asc
