-- The talk's "log rate of dataflow": how much goes into each stage on a day and how much comes out,
-- next to the median of the 28 days before, so that a day on which less arrives is seen. A row of a
-- day's bill counts as 24: a bill that is by the hour from now on is no other flow.

with

days as (
    select * from {{ ref('daily_flow') }}
),

medians as (
    select
        days.usage_date,
        days.stage,
        {{ percentile_of('days_before.rows_in * days_before.interval_hours', 0.5) }}
            as row_hours_in,
        {{ percentile_of('days_before.spend_in', 0.5) }} as spend_in
    from days
    inner join days as days_before
        on
            days.stage = days_before.stage
            and days.usage_date > days_before.usage_date
            and days.usage_date - 28 <= days_before.usage_date
    group by days.usage_date, days.stage
    having count(*) >= 7
)

select
    -- when
    days.usage_date,

    -- how many dollars, and compared with the days before
    days.spend_in,
    days.spend_out,
    case
        when medians.spend_in > 0
            then {{ from_units(
                floor_divide(
                    units('days.spend_in') ~ ' * ' ~ units(1), units('medians.spend_in')
                ),
                'decimal(25, 10)'
            ) }}
    end as spend_in_ratio,

    -- how many rows, and compared with the days before
    days.rows_in,
    days.rows_out,
    case
        when medians.row_hours_in > 0
            then {{ from_units(
                floor_divide(
                    'days.rows_in * days.interval_hours * ' ~ units(1), 'medians.row_hours_in'
                ),
                'decimal(25, 10)'
            ) }}
    end as rows_in_ratio,

    -- where
    days.stage
from days
left join medians on days.usage_date = medians.usage_date and days.stage = medians.stage
