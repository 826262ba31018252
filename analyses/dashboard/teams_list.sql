-- What each team spent in the last 28 days and in the 28 days before.

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
        spend.current_team,
        spend.current_org,
        sum(case when spend.usage_date >= spans.span_from then spend.spend else 0 end) as spend,
        case
            when spans.is_long_enough
                then
                    sum(case when spend.usage_date < spans.span_from then spend.spend else 0 end)
        end as previous_spend
    from spend
    cross join spans
    where spend.usage_date >= spans.previous_from
    group by spend.current_team, spend.current_org, spans.is_long_enough
)

select
    current_team as team,
    current_org as org,
    spend,
    previous_spend,
    spend - previous_spend as moved_by
from compared
order by spend desc, team asc
