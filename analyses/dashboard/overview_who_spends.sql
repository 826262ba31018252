-- Who spends what: org, team and service, last 28 days, as they are owned today.

with

last_days as (
    select max(usage_date) - 27 as first_date
    from {{ ref('daily_spend') }}
)

select
    spend.current_org as org,
    spend.current_team as team,
    spend.lyft_label as service,
    sum(spend.spend) as spend
from {{ ref('daily_spend') }} as spend
cross join last_days
where spend.usage_date >= last_days.first_date
group by spend.current_org, spend.current_team, spend.lyft_label
order by spend desc, service asc
