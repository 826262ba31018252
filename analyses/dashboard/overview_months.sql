-- Spend by month and org, as it owned labels on each day; months that the bill does not cover whole
-- say so.

with

spend as (
    select * from {{ ref('daily_spend') }}
),

covered as (
    select
        billing_period,
        count(distinct usage_date) as days_covered,
        day(last_day(max(usage_date))) as days_in_month
    from spend
    where not is_period_charge
    group by billing_period
)

select
    spend.billing_period || case
        when covered.days_covered < covered.days_in_month
            then ' (' || covered.days_covered || ' of ' || covered.days_in_month || ' days)'
        else ''
    end as billing_period,
    spend.org,
    sum(spend.spend) as spend
from spend
left join covered on spend.billing_period = covered.billing_period
group by spend.billing_period, covered.days_covered, covered.days_in_month, spend.org
order by billing_period asc, spend desc
