-- The calculation behind a service's spend, platform after platform: for every chain of platforms
-- the last hour of the last complete day, or the whole day where the bill has no hours.

with

last_day as (
    select
        splits.*,
        max(splits.usage_hour) over (partition by splits.lyft_label, splits.way, splits.usage_of)
            as last_hour
    from {{ ref('explained_splits') }} as splits
    inner join {{ ref('time_spine') }} as spine on splits.usage_date = spine.date_day
    where spine.days_back = 1 and not splits.is_period_charge
),

-- The charges of an hour may be on two bills.
sums as (
    select
        lyft_label,
        way,
        usage_of,
        step,
        usage_hour,
        interval_hours,
        step_name,
        usage_label,
        max(usage) as usage,
        max(total_usage) as total_usage,
        unit,
        basis,
        sum(spend_before) as spend_before,
        sum(spend_after) as spend_after
    from last_day
    where usage_hour = last_hour
    group by
        lyft_label,
        way,
        usage_of,
        step,
        usage_hour,
        interval_hours,
        step_name,
        usage_label,
        unit,
        basis
),

placed as (
    select
        *,
        count(*) over (
            partition by lyft_label, way, usage_of, usage_hour, interval_hours
        ) as steps,
        min(spend_after) over (
            partition by lyft_label, way, usage_of, usage_hour, interval_hours
        ) as spend
    from sums
)

select
    lyft_label as service,
    usage_hour,
    step || ' of ' || steps as place_on_the_way,
    step_name as platform,
    spend_before,
    cast(usage as decimal(28, 10)) as usage,
    cast(total_usage as decimal(28, 10)) as total_usage,
    unit,
    spend_after,
    usage_label as whose_usage,
    basis,
    interval_hours as hours
from placed
order by
    spend desc,
    way asc,
    usage_of asc,
    usage_hour asc,
    interval_hours asc,
    step asc
