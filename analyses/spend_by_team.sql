-- What each team of an org spends, month by month of the bill, with the owners of today: earlier
-- spend of a label that has moved is that of its present team. A month that is not complete is not
-- to be compared with whole ones.

select
    cast(billing_period || '-01' as date) as month_from,
    is_complete,
    sum(spend) as spend,
    current_org as org,
    current_team as team
from {{ ref('monthly_spend') }}
group by billing_period, is_complete, current_org, current_team
order by month_from asc, spend desc
