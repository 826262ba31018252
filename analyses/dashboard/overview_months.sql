-- Spend by month and org, as it owned labels on each day; months that the bill does not cover whole
-- say so.

with

spend as (
    select * from {{ ref('daily_spend') }}
),

days as (
    select
        billing_period,
        count(distinct usage_date) as days,
        day(last_day(max(usage_date))) as days_in_month
    from spend
    where not is_period_charge
    group by billing_period
)

select
    spend.billing_period || case
        when days.days < days.days_in_month
            then ' (' || days.days || ' of ' || days.days_in_month || ' days)'
        else ''
    end as billing_period,
    spend.org,
    sum(spend.spend) as spend
from spend
left join days on spend.billing_period = days.billing_period
group by spend.billing_period, days.days, days.days_in_month, spend.org
order by billing_period asc, spend desc
