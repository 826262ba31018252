-- Through which platform a service spends, day by day, last 60 days.

with

spend as (
    select * from {{ ref('daily_spend') }}
    where not is_period_charge
),

last_days as (
    select max(usage_date) - 59 as first_date
    from spend
)

select
    spend.usage_date,
    spend.lyft_label as service,
    coalesce(spend.platform || ': ' || spend.sub_platform, 'directly') as platform,
    sum(spend.spend) as spend
from spend
cross join last_days
where spend.usage_date >= last_days.first_date
group by spend.usage_date, spend.lyft_label, spend.platform, spend.sub_platform
order by spend.usage_date asc, spend desc
