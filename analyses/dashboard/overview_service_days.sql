-- Spend by service and day, last 30 days: the eleven dearest, the others in one. Labels are lower
-- case, so no label is `Others`.

with

spend as (
    select * from {{ ref('daily_spend') }}
    where not is_period_charge
),

last_days as (
    select max(usage_date) - 29 as first_date
    from spend
),

recent as (
    select
        spend.usage_date,
        spend.lyft_label,
        spend.spend
    from spend
    cross join last_days
    where spend.usage_date >= last_days.first_date
),

ranked as (
    select
        lyft_label,
        row_number() over (order by sum(spend) desc, lyft_label asc) as place
    from recent
    group by lyft_label
)

select
    recent.usage_date,
    case when ranked.place <= 11 then recent.lyft_label else 'Others' end as service,
    sum(recent.spend) as spend
from recent
inner join ranked on recent.lyft_label = ranked.lyft_label
group by recent.usage_date, service
order by recent.usage_date asc, spend desc
