-- How many rows went into each stage on each of the last 30 days, next to the median of the 28 days
-- before it.

with

last_days as (
    select max(usage_date) - 29 as first_date
    from {{ ref('pipeline_flow') }}
)

select
    flow.usage_date,
    flow.stage,
    cast(least(flow.rows_in_ratio, 9) as decimal(11, 10)) as of_the_usual
from {{ ref('pipeline_flow') }} as flow
cross join last_days
where flow.usage_date >= last_days.first_date and flow.rows_in_ratio is not null
order by
    case flow.stage
        when 'bill' then 1
        when 'true_cost' then 2
        when 'kubernetes' then 3
        when 'published' then 4
        else 5
    end asc,
    flow.usage_date asc
