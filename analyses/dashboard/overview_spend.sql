-- What the last 28 days cost, and the 28 days before them.

with

spend as (
    select * from {{ ref('daily_spend') }}
    where not is_period_charge
),

spans as (
    select
        max(usage_date) as last_date,
        max(usage_date) - 27 as span_from,
        max(usage_date) - 55 as previous_from,
        min(usage_date) <= max(usage_date) - 55 as is_long_enough
    from spend
),

compared as (
    select
        sum(case when spend.usage_date >= spans.span_from then spend.spend else 0 end) as spend,
        case
            when spans.is_long_enough
                then
                    sum(case when spend.usage_date < spans.span_from then spend.spend else 0 end)
        end as previous_spend
    from spend
    cross join spans
    where spend.usage_date >= spans.previous_from
    group by spans.is_long_enough
)

select
    spend,
    previous_spend
from compared
