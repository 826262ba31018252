-- What no rule labels yet, in the last 28 days.

with

last_days as (
    select max(usage_date) - 27 as first_date
    from {{ ref('daily_spend') }}
)

select
    sum(case when spend.lyft_label = 'unlabeled' then spend.spend else 0 end) as unlabeled_spend,
    sum(spend.spend) as spend
from {{ ref('daily_spend') }} as spend
cross join last_days
where spend.usage_date >= last_days.first_date
