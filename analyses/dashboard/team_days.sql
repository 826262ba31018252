-- What each service of a team spent, day by day, last 30 days, as it is owned today.

with

spend as (
    select * from {{ ref('daily_spend') }}
    where not is_period_charge
),

last_days as (
    select max(usage_date) - 29 as first_date
    from spend
)

select
    spend.usage_date,
    spend.current_team as team,
    spend.lyft_label as service,
    sum(spend.spend) as spend
from spend
cross join last_days
where spend.usage_date >= last_days.first_date
group by spend.usage_date, spend.current_team, spend.lyft_label
order by spend.usage_date asc, spend desc
