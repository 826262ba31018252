-- Whose spend changed most from the last month but one to the last: the labels with the largest
-- differences, up or down.

with

monthly as (
    select
        date_trunc('month', usage_date) as month,
        lyft_label,
        sum(spend) as spend
    from {{ ref('daily_spend') }}
    where usage_date >= (
        select date_trunc('month', max(usage_date)) - interval '1' month
        from {{ ref('daily_spend') }}
    )
    group by date_trunc('month', usage_date), lyft_label
),

last_month as (
    select max(month) as month
    from monthly
),

moved as (
    select
        monthly.lyft_label,
        sum(case when monthly.month < last_month.month then monthly.spend else 0 end)
            as previous_spend,
        sum(case when monthly.month = last_month.month then monthly.spend else 0 end) as spend
    from monthly
    cross join last_month
    group by monthly.lyft_label
)

select
    lyft_label,
    previous_spend,
    spend,
    spend - previous_spend as change
from moved
order by abs(spend - previous_spend) desc, lyft_label asc
limit 20
