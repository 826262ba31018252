-- What a service uses most of, last 28 days: usage types, regions and instance types, after every
-- platform's split.

with

spend as (
    select * from {{ ref('explained_spend') }}
    where not is_period_charge
),

last_days as (
    select max(usage_date) - 27 as first_date
    from spend
)

select
    spend.lyft_label as service,
    spend.product,
    spend.usage_type,
    spend.region,
    spend.instance_type,
    sum(spend.spend) as spend
from spend
cross join last_days
where spend.usage_date >= last_days.first_date
group by
    spend.lyft_label, spend.product, spend.usage_type, spend.region, spend.instance_type
order by
    spend desc,
    spend.product asc,
    spend.usage_type asc,
    spend.region asc,
    spend.instance_type asc
