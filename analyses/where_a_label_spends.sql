-- A label's drill-down: what it costs, day by day, through which platform and on which product.
--
--     from analyses.where_a_label_spends where lyft_label = 'pricing'

select
    lyft_label,
    usage_date,
    platform,
    sub_platform,
    product,
    charge_class,
    sum(spend) as spend
from {{ ref('daily_spend') }}
group by lyft_label, usage_date, platform, sub_platform, product, charge_class
order by lyft_label asc, usage_date asc, spend desc
