-- Who is on each sub-platform, last 28 days: the last platform that split the spend.

with

last_days as (
    select max(usage_date) - 27 as first_date
    from {{ ref('daily_spend') }}
)

select
    spend.platform,
    spend.sub_platform,
    spend.lyft_label as service,
    sum(spend.spend) as spend
from {{ ref('daily_spend') }} as spend
cross join last_days
where spend.usage_date >= last_days.first_date and spend.platform is not null
group by spend.platform, spend.sub_platform, spend.lyft_label
order by spend desc, service asc
limit 200
