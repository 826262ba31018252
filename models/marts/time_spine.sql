-- Every day of usage on the bill, also those without spend: for charts without gaps and metrics
-- over time. Fees for hours to come and charges for a year add no days.
{{ config(materialized='table') }}

with

bill as (
    select
        date_trunc('day', min(usage_first_hour)) as first_day,
        max(usage_end_hour) as end_hour
    from {{ ref('int_period_months') }}
),

days as (
    select {{ hours_from('first_day', 'end_hour', 24) }} as day_at
    from bill
    where end_hour is not null
)

select
    -- when
    cast(day_at as date) as date_day,
    {{ month_of('day_at') }} as date_month
from days
