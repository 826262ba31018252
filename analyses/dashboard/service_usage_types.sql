-- What a service spends most on, last 28 complete days: usage types, regions and instance types,
-- after every platform's split.

select
    spend.lyft_label as service,
    spend.product,
    spend.usage_type,
    spend.region,
    spend.instance_type,
    sum(spend.spend) as spend
from {{ ref('explained_spend') }} as spend
inner join {{ ref('time_spine') }} as spine on spend.usage_date = spine.date_day
where spine.days_back <= 28 and not spend.is_period_charge
group by
    spend.lyft_label, spend.product, spend.usage_type, spend.region, spend.instance_type
order by
    spend desc,
    spend.product asc,
    spend.usage_type asc,
    spend.region asc,
    spend.instance_type asc
