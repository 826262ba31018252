-- Every day of usage on the bill, also those without spend: for charts without gaps, metrics over
-- time, and spans of whole days. Fees for hours to come and charges for a year add no days.
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
),

hours_to_come as (
    select * from {{ ref('int_hours_to_come') }}
),

-- A day is open while the usage of a payer on its month's bill has not reached the day's end.
incomplete as (
    select distinct days.day_at
    from days
    inner join hours_to_come
        on
            {{ month_of('days.day_at') }} = hours_to_come.billing_period
            and {{ plus_hours('days.day_at', 24) }} > hours_to_come.to_come_from
),

reached as (
    select
        days.day_at,
        incomplete.day_at is null as is_complete
    from days
    left join incomplete on days.day_at = incomplete.day_at
)

select
    -- when
    cast(day_at as date) as date_day,
    {{ month_of('day_at') }} as date_month,

    -- how far
    is_complete,
    case
        when is_complete
            then
                cast(
                    row_number() over (partition by is_complete order by day_at desc) as bigint
                )
    end as days_back
from reached
