-- Where unlabelled spend is, last 28 complete days: account, product and kind of charge.

select
    spend.account_id,
    spend.product,
    spend.charge_class,
    sum(spend.spend) as spend,
    'unlabeled' as service
from {{ ref('daily_spend') }} as spend
inner join {{ ref('time_spine') }} as spine on spend.usage_date = spine.date_day
where
    spine.days_back <= 28
    and spend.lyft_label = 'unlabeled'
    and not spend.is_period_charge
group by spend.account_id, spend.product, spend.charge_class
having sum(spend.spend) <> 0
order by spend desc, spend.account_id asc, spend.product asc, spend.charge_class asc
