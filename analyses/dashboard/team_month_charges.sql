-- What the services that a team owns today pay for a whole month, such as support and tax: the
-- newest complete month.

with

{{ month_of_charges() }}

select
    spend.current_team as team,
    sum(spend.spend) as spend,
    shown_month.billing_period
from {{ ref('daily_spend') }} as spend
inner join shown_month on spend.billing_period = shown_month.billing_period
where spend.is_period_charge
group by spend.current_team, shown_month.billing_period
having sum(spend.spend) <> 0
