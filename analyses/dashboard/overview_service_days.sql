-- Spend by service and day, last 30 complete days: the eleven that spent most, and the others
-- together. Labels are lower case, so no label is `Others`.

with

recent as (
    select
        spend.usage_date,
        spend.lyft_label,
        spend.spend
    from {{ ref('daily_spend') }} as spend
    inner join {{ ref('time_spine') }} as spine on spend.usage_date = spine.date_day
    where spine.days_back <= 30 and not spend.is_period_charge
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
