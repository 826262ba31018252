-- What each org spends, day by day, with the owners of that day.

select
    usage_date,
    org,
    sum(spend) as spend
from {{ ref('daily_spend') }}
group by usage_date, org
order by usage_date asc, org asc
