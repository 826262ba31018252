-- Whose spend changed most from the last month but one to the last: the labels with the largest
-- differences, up or down.

with

spend as (
    select * from {{ ref('daily_spend') }}
),

last_month as (
    select date_trunc('month', max(usage_date)) as month_from
    from spend
),

moved as (
    select
        spend.lyft_label,
        sum(case when spend.usage_date < last_month.month_from then spend.spend else 0 end)
            as previous_spend,
        sum(case when spend.usage_date >= last_month.month_from then spend.spend else 0 end)
            as spend
    from spend
    cross join last_month
    where spend.usage_date >= last_month.month_from - interval '1' month
    group by spend.lyft_label
)

select
    lyft_label,
    previous_spend,
    spend,
    spend - previous_spend as moved_by
from moved
order by abs(spend - previous_spend) desc, lyft_label asc
limit 20
