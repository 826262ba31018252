-- The data quality of each platform, day by day: which hours were measured, which were filled in,
-- how much money those allocate, and how far its split has moved from the weeks before.

with

days as (
    select * from {{ ref('int_platform_days') }}
),

schedules as (
    select * from {{ ref('int_platform_day_shares') }}
),

owners as (
    select
        days.usage_date,
        days.platform,
        days.sub_platform,
        max(platforms.owner) as owner
    from days
    inner join {{ ref('stg_seeds__platforms') }} as platforms
        on
            days.platform = platforms.platform
            and days.sub_platform = platforms.sub_platform
            and days.last_hour >= platforms.valid_from
            and days.first_hour < platforms.valid_until
    group by days.usage_date, days.platform, days.sub_platform
),

weeks_before as (
    select
        days.usage_date,
        days.platform,
        days.sub_platform,
        sum(days_before.expected) as hours_before
    from days
    inner join days as days_before
        on
            days.platform = days_before.platform
            and days.sub_platform = days_before.sub_platform
            and days.usage_date > days_before.usage_date
            and days.usage_date - 28 <= days_before.usage_date
    group by days.usage_date, days.platform, days.sub_platform
),

shares as (
    select
        days.usage_date,
        days.platform,
        days.sub_platform,
        schedules.lyft_label,
        sum(
            case
                when schedules.usage_date = days.usage_date then schedules.proportion_units
                else 0
            end
        ) as units_today,
        sum(
            case
                when schedules.usage_date < days.usage_date then schedules.proportion_units
                else 0
            end
        ) as units_before
    from days
    inner join schedules
        on
            days.platform = schedules.platform
            and days.sub_platform = schedules.sub_platform
            and days.usage_date >= schedules.usage_date
            and days.usage_date - 28 <= schedules.usage_date
    group by days.usage_date, days.platform, days.sub_platform, schedules.lyft_label
),

drifts as (
    select
        shares.usage_date,
        shares.platform,
        shares.sub_platform,
        -- Half of the absolute changes, since what one label loses another gains.
        {{ floor_divide(
            'sum(abs('
            ~ floor_divide('shares.units_today', 'days.expected') ~ ' - '
            ~ floor_divide('shares.units_before', 'weeks_before.hours_before')
            ~ '))',
            '2'
        ) }} as drift_units
    from shares
    inner join days
        on
            shares.usage_date = days.usage_date
            and shares.platform = days.platform
            and shares.sub_platform = days.sub_platform
    inner join weeks_before
        on
            shares.usage_date = weeks_before.usage_date
            and shares.platform = weeks_before.platform
            and shares.sub_platform = weeks_before.sub_platform
    group by shares.usage_date, shares.platform, shares.sub_platform
)

select
    -- when
    days.usage_date,

    -- what it is about
    days.spend_at_stake,

    -- who
    days.platform,
    days.sub_platform,
    owners.owner,

    -- how many hours
    days.expected,
    days.measured,
    days.interpolated,
    days.missing,
    days.base_unknown,
    days.unknown_resources,

    -- how bad that is
    case
        when days.missing > 0 then 'missing'
        when days.interpolated > 0 then 'interpolated'
        else 'good'
    end as status,
    {{ from_units('drifts.drift_units') }} as drift
from days
left join owners
    on
        days.usage_date = owners.usage_date
        and days.platform = owners.platform
        and days.sub_platform = owners.sub_platform
left join drifts
    on
        days.usage_date = drifts.usage_date
        and days.platform = drifts.platform
        and days.sub_platform = drifts.sub_platform
