-- Who pays the charges for a whole month, such as support and tax: newest complete month.

with

{{ month_of_charges() }}

select
    spend.lyft_label as service,
    sum(spend.spend) as spend,
    spend.product,
    spend.charge_class,
    shown_month.billing_period
from {{ ref('daily_spend') }} as spend
inner join shown_month on spend.billing_period = shown_month.billing_period
where spend.is_period_charge
group by
    spend.lyft_label, spend.product, spend.charge_class, shown_month.billing_period
having sum(spend.spend) <> 0
order by spend desc, service asc, spend.product asc, spend.charge_class asc
