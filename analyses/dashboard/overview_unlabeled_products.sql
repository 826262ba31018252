-- Where unlabelled spend is, last 28 days: account and product.

with

last_days as (
    select max(usage_date) - 27 as first_date
    from {{ ref('daily_spend') }}
)

select
    spend.account_id,
    spend.product,
    spend.charge_class,
    sum(spend.spend) as spend
from {{ ref('daily_spend') }} as spend
cross join last_days
where spend.usage_date >= last_days.first_date and spend.lyft_label = 'unlabeled'
group by spend.account_id, spend.product, spend.charge_class
having abs(sum(spend.spend)) >= 0.01
order by spend desc, spend.account_id asc, spend.product asc, spend.charge_class asc
limit 25
