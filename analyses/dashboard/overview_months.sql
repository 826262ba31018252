-- Spend by month and org, with the owners of each day; incomplete months are marked.

select
    billing_period || case when is_complete then '' else ' (not complete)' end as billing_period,
    org,
    sum(spend) as spend
from {{ ref('monthly_spend') }}
group by billing_period, is_complete, org
order by billing_period asc, spend desc
