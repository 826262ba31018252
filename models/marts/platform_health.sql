-- How well each platform was known, day by day: which of its hours were seen, which had to be
-- filled in, what money rests on those, and how far its split has moved from the weeks before.
{{ by_period('spent', by='usage_date') }}

with

hours as (
    select
        *,
        cast(usage_hour as date) as usage_date
    from {{ rebuilt(ref('int_sub_platform_hours'), before=28 * 24) }}
),

rebuilt_days as (
    select distinct
        cast(usage_hour as date) as usage_date,
        platform,
        sub_platform
    from {{ rebuilt(ref('int_sub_platform_hours')) }}
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

days_around as (
    select
        hours.usage_date,
        hours.platform,
        hours.sub_platform,
        max(platforms.owner) as owner,
        count(*) as expected,
        count(case when hours.basis in ('measured', 'pushed', 'ready_made') then 1 end)
            as measured,
        count(case when hours.basis = 'interpolated' then 1 end) as interpolated,
        count(case when hours.basis in ('carried_forward', 'unattributed') then 1 end) as missing
    from hours
    inner join platforms
        on
            hours.platform = platforms.platform
            and hours.sub_platform = platforms.sub_platform
            and hours.usage_hour >= platforms.valid_from
            and hours.usage_hour < platforms.valid_until
    group by hours.usage_date, hours.platform, hours.sub_platform
),

days as (
    select days_around.*
    from days_around
    inner join rebuilt_days
        on
            days_around.usage_date = rebuilt_days.usage_date
            and days_around.platform = rebuilt_days.platform
            and days_around.sub_platform = rebuilt_days.sub_platform
),

-- What passed through each platform, at any level.
passed as (
    select
        usage_hour,
        interval_hours,
        platform,
        sub_platform,
        true_cost as spend
    from {{ rebuilt(ref('int_charges_by_pool')) }}
    where platform is not null
    union all
    select
        charges.usage_hour,
        charges.interval_hours,
        passages.last_platform as platform,
        passages.last_sub_platform as sub_platform,
        charges.true_cost * passages.proportion as spend
    from {{ rebuilt(ref('int_charges_by_pool')) }} as charges
    inner join {{ rebuilt(ref('int_passages')) }} as passages
        on
            charges.usage_hour = passages.usage_hour
            and charges.interval_hours = passages.interval_hours
            and charges.platform = passages.platform
            and charges.sub_platform = passages.sub_platform
            and charges.capacity_pool = passages.capacity_pool
            and charges.cost_model = passages.cost_model
),

-- How well the platform itself is known, whatever came before it or comes after.
known as (
    select
        usage_hour,
        interval_hours,
        platform,
        sub_platform,
        max({{ basis_rank('basis') }}) as basis_rank
    from {{ rebuilt(ref('int_schedules')) }}
    where is_served and capacity_pool = 'all'
    group by usage_hour, interval_hours, platform, sub_platform
),

at_stake as (
    select
        cast(passed.usage_hour as date) as usage_date,
        passed.platform,
        passed.sub_platform,
        sum(passed.spend) as spend
    from passed
    left join known
        on
            passed.usage_hour = known.usage_hour
            and passed.interval_hours = known.interval_hours
            and passed.platform = known.platform
            and passed.sub_platform = known.sub_platform
    where coalesce(known.basis_rank > {{ basis_rank("'sub_platform'") }}, true)
    group by cast(passed.usage_hour as date), passed.platform, passed.sub_platform
),

-- The whole sub-platform under its own cost model.
schedules as (
    select
        cast(schedules.usage_hour as date) as usage_date,
        schedules.platform,
        schedules.sub_platform,
        schedules.lyft_label,
        sum({{ units('schedules.proportion') }}) as proportion_units
    from {{ rebuilt(ref('int_schedules'), before=28 * 24) }} as schedules
    inner join platforms
        on
            schedules.platform = platforms.platform
            and schedules.sub_platform = platforms.sub_platform
            and schedules.cost_model = platforms.cost_model
            and schedules.usage_hour >= platforms.valid_from
            and schedules.usage_hour < platforms.valid_until
    where
        schedules.is_served
        and schedules.interval_hours = 1
        and schedules.capacity_pool = 'all'
    group by
        cast(schedules.usage_hour as date),
        schedules.platform,
        schedules.sub_platform,
        schedules.lyft_label
),

weeks_before as (
    select
        days.usage_date,
        days.platform,
        days.sub_platform,
        sum(days_before.expected) as hours_before
    from days
    inner join days_around as days_before
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
        -- Half of all that moved, since what one label lost another one got.
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
    -- who
    days.platform,
    days.sub_platform,
    days.owner,

    -- how many hours
    days.expected,
    days.measured,
    days.interpolated,
    days.missing,

    -- how bad that is
    case
        when days.missing > 0 then 'missing'
        when days.interpolated > 0 then 'interpolated'
        else 'good'
    end as status,
    {{ from_units('drifts.drift_units') }} as drift,
    cast(coalesce(at_stake.spend, 0) as decimal(38, 20)) as spend_at_stake,

    -- when
    days.usage_date
from days
left join at_stake
    on
        days.usage_date = at_stake.usage_date
        and days.platform = at_stake.platform
        and days.sub_platform = at_stake.sub_platform
left join drifts
    on
        days.usage_date = drifts.usage_date
        and days.platform = drifts.platform
        and days.sub_platform = drifts.sub_platform
