-- How many hours of a day each platform should have, their basis, and the spend that depends on
-- hours that were filled in.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

with

hours as (
    select
        *,
        cast(usage_hour as date) as usage_date
    from {{ ref('int_schedule_calendar') }}
    where {{ in_month('usage_month') }}
),

days as (
    select
        usage_date,
        platform,
        sub_platform,
        count(*) as expected,
        count(case when basis in ('measured', 'pushed', 'ready_made') then 1 end) as measured,
        count(case when basis = 'interpolated' then 1 end) as interpolated,
        count(case when basis in ('carried_forward', 'unattributed') then 1 end) as missing,
        count(case when is_base_unknown then 1 end) as base_unknown,
        min(usage_hour) as first_hour,
        max(usage_hour) as last_hour
    from hours
    group by usage_date, platform, sub_platform
),

-- The names of resources whose metrics were missing in scraped hours.
unknown as (
    select
        hours.usage_date,
        hours.platform,
        hours.sub_platform,
        {{ names_of('base_coverage.resource') }} as unknown_resources
    from hours
    inner join {{ ref('int_base_coverage') }} as base_coverage
        on
            hours.platform = base_coverage.platform
            and hours.sub_platform = base_coverage.sub_platform
            and hours.usage_hour = base_coverage.usage_hour
    where
        hours.is_base_unknown
        and not base_coverage.is_known
        and {{ in_month('base_coverage.usage_month') }}
    group by hours.usage_date, hours.platform, hours.sub_platform
),

-- The spend that each platform split, at any level.
passed as (
    select
        usage_hour,
        interval_hours,
        platform,
        sub_platform,
        true_cost as spend
    from {{ ref('int_platform_charges') }}
    where {{ in_hours('usage_hour') }} and platform is not null
    union all
    select
        charges.usage_hour,
        charges.interval_hours,
        throughput.last_platform as platform,
        throughput.last_sub_platform as sub_platform,
        charges.true_cost * throughput.proportion as spend
    from {{ ref('int_platform_charges') }} as charges
    inner join {{ ref('int_platform_throughput') }} as throughput
        on
            charges.usage_hour = throughput.usage_hour
            and charges.interval_hours = throughput.interval_hours
            and charges.platform = throughput.platform
            and charges.sub_platform = throughput.sub_platform
            and charges.capacity_pool = throughput.capacity_pool
            and charges.cost_model = throughput.cost_model
    where {{ in_hours('charges.usage_hour') }} and {{ in_month('throughput.usage_month') }}
),

-- How well the platform itself is known, whatever the platforms before or after it.
known as (
    select
        usage_hour,
        interval_hours,
        platform,
        sub_platform,
        max(basis_rank) as basis_rank
    from {{ ref('int_allocation_levels') }}
    where
        {{ in_month('usage_month') }}
        and level = 1
        and is_served
        and capacity_pool = 'all'
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
)

select
    -- who
    days.platform,
    days.sub_platform,

    -- how many hours
    days.expected,
    days.measured,
    days.interpolated,
    days.missing,
    days.base_unknown,
    unknown.unknown_resources,

    -- what depends on those that are filled in
    cast(coalesce(at_stake.spend, 0) as decimal(38, 20)) as spend_at_stake,

    -- when
    {{ month_of('days.usage_date') }} as usage_month,
    days.usage_date,
    days.first_hour,
    days.last_hour
from days
left join unknown
    on
        days.usage_date = unknown.usage_date
        and days.platform = unknown.platform
        and days.sub_platform = unknown.sub_platform
left join at_stake
    on
        days.usage_date = at_stake.usage_date
        and days.platform = at_stake.platform
        and days.sub_platform = at_stake.sub_platform
