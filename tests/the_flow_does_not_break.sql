-- On none of the last seven days that are over goes less than half or more than twice the usual
-- into a stage. A warning: it may be a holiday, or the day on which a cluster's usage stopped.
{{ config(severity='warn') }}

with

flow as (
    select * from {{ ref('pipeline_flow') }}
),

last_days as (
    select max(usage_date) as last_date
    from flow
    where stage = 'bill'
)

select
    flow.usage_date,
    flow.stage,
    flow.rows_in,
    flow.rows_in_ratio,
    flow.spend_in,
    flow.spend_in_ratio
from flow
cross join last_days
where
    flow.usage_date < last_days.last_date
    and flow.usage_date >= last_days.last_date - 7
    and (
        flow.rows_in_ratio not between 0.5 and 2
        -- What is paid upfront and credits make the bill itself uneven.
        or (flow.stage = 'enriched_spend' and flow.spend_in_ratio not between 0.5 and 2)
    )
order by flow.usage_date desc, flow.stage asc
