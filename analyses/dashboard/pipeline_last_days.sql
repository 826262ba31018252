-- Rows and costs in and out of every stage on the last 14 days, the newest first.

with

last_days as (
    select max(usage_date) - 13 as first_date
    from {{ ref('pipeline_flow') }}
)

select
    flow.usage_date,
    flow.stage,
    flow.rows_in,
    flow.rows_out,
    flow.spend_in,
    flow.spend_out,
    cast(least(flow.rows_in_ratio, 9) as decimal(11, 10)) as rows_of_the_usual
from {{ ref('pipeline_flow') }} as flow
cross join last_days
where flow.usage_date >= last_days.first_date
order by
    flow.usage_date desc,
    case flow.stage
        when 'bill' then 1
        when 'true_cost' then 2
        when 'kubernetes' then 3
        when 'published' then 4
        else 5
    end asc
