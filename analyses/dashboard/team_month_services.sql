-- The charges for a whole month of each service that a team owns today, newest complete month.

with

{{ month_of_charges() }}

select
    spend.current_team as team,
    spend.lyft_label as service,
    sum(spend.spend) as spend,
    spend.product,
    spend.charge_class,
    shown_month.billing_period
from {{ ref('daily_spend') }} as spend
inner join shown_month on spend.billing_period = shown_month.billing_period
where spend.is_period_charge
group by
    spend.current_team,
    spend.lyft_label,
    spend.product,
    spend.charge_class,
    shown_month.billing_period
having sum(spend.spend) <> 0
order by spend desc, service asc, spend.product asc, spend.charge_class asc
