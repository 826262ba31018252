-- What changed for a service: by platform and product, the last 28 days and the 28 days before.

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
        spend.lyft_label,
        spend.platform,
        spend.sub_platform,
        spend.product,
        sum(case when spend.usage_date >= spans.span_from then spend.spend else 0 end) as spend,
        case
            when spans.is_long_enough
                then
                    sum(case when spend.usage_date < spans.span_from then spend.spend else 0 end)
        end as previous_spend
    from spend
    cross join spans
    where spend.usage_date >= spans.previous_from
    group by
        spend.lyft_label,
        spend.platform,
        spend.sub_platform,
        spend.product,
        spans.is_long_enough
)

select
    lyft_label as service,
    coalesce(platform || ': ' || sub_platform, 'directly') as platform,
    product,
    spend,
    previous_spend,
    spend - previous_spend as moved_by
from compared
order by coalesce(abs(spend - previous_spend), spend) desc, platform asc, product asc
