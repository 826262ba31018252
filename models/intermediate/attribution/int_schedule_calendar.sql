-- For every hour of a sub-platform: whether its schedule is measured, interpolated, carried forward
-- or unattributed, and from which hours its weights come. The first that applies: the hour itself,
-- if it has enough scrapes and enough of the metrics that split the platform; the complete hours
-- before and after it; the last complete hour before it. Never fills a gap from hours under another
-- schedule_source, nor across a change to or from fixed shares.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

{% set reach = gap_filling_hours() %}
{% set same_source -%}
    calendar.platform, calendar.sub_platform, platforms.schedule_source,
    case when platforms.cost_model = 'fixed' then 1 else 0 end
{%- endset %}

with

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

bill as (
    select
        min(usage_first_hour) as first_hour,
        max(usage_end_hour) as end_hour
    from {{ ref('int_period_months') }}
    -- A charge for another month's hour, such as a late correction, adds no hours to the calendar.
    where usage_month = billing_period
),

calendars as (
    select
        platforms.platform,
        platforms.sub_platform,
        {{ hours_from(
            'greatest(coalesce(platforms.expected_from, bill.first_hour), platforms.valid_from)',
            'least(coalesce(platforms.expected_until, bill.end_hour), bill.end_hour, platforms.valid_until)'
        ) }} as usage_hour
    from platforms
    cross join bill
    -- Without a bill no hour is expected, and the bounds would be infinite.
    where bill.end_hour is not null
),

expected as (
    select
        platform,
        sub_platform,
        usage_hour
    from calendars
    where {{ in_hours('usage_hour', before=reach, after=reach) }}
),

scraped as (
    select
        cluster,
        usage_hour,
        samples,
        expected_samples,
        case
            when expected_samples > 0
                then least(
                        {{ floor_divide('(samples * 10000000000)', 'expected_samples') }},
                        10000000000
                    )
            else 0
        end as coverage_units
    from {{ ref('stg_kubernetes__cluster_hours') }}
    where {{ in_hours('usage_hour', before=reach, after=reach) }}
),

-- Fixed shares are valid until their owner publishes others, however long ago that was.
with_fixed_shares as (
    select distinct
        platform,
        sub_platform
    from platforms
    where cost_model = 'fixed'
),

seen as (
    select
        'kubernetes' as schedule_source,
        cast(null as {{ dbt.type_string() }}) as platform,
        cluster as sub_platform,
        usage_hour,
        {{ from_units('coverage_units') }} as coverage
    from scraped
    union all
    select distinct
        declared.schedule_source,
        declared.platform,
        declared.sub_platform,
        declared.usage_hour,
        cast(null as decimal(11, 10)) as coverage
    from {{ ref('int_declared_usage') }} as declared
    left join with_fixed_shares
        on
            declared.platform = with_fixed_shares.platform
            and declared.sub_platform = with_fixed_shares.sub_platform
    where
        with_fixed_shares.platform is not null
        or {{ in_hours('declared.usage_hour', before=reach, after=reach) }}
),

base_coverage as (
    select
        platform,
        sub_platform,
        usage_hour,
        min(coverage) as coverage,
        min(case when is_known then 1 else 0 end) = 1 as is_known
    from {{ ref('int_base_coverage') }}
    where {{ in_hours('usage_hour', before=reach, after=reach) }}
    group by platform, sub_platform, usage_hour
),

observed as (
    select distinct
        platforms.platform,
        platforms.sub_platform,
        seen.usage_hour,
        least(seen.coverage, base_coverage.coverage) as coverage,
        coalesce(seen.coverage >= platforms.min_coverage, true)
        and coalesce(base_coverage.is_known, true) as is_good,
        coalesce(seen.coverage >= platforms.min_coverage, true)
        and not base_coverage.is_known as is_base_unknown
    from seen
    inner join platforms
        on
            seen.schedule_source = platforms.schedule_source
            and seen.sub_platform = platforms.sub_platform
            and coalesce(seen.platform, platforms.platform) = platforms.platform
            and seen.usage_hour >= platforms.valid_from
            and seen.usage_hour < platforms.valid_until
    left join base_coverage
        on
            platforms.schedule_source = 'kubernetes'
            and platforms.platform = base_coverage.platform
            and platforms.sub_platform = base_coverage.sub_platform
            and seen.usage_hour = base_coverage.usage_hour
),

calendar as (
    select
        platform,
        sub_platform,
        usage_hour
    from expected
    union distinct
    select
        platform,
        sub_platform,
        usage_hour
    from observed
),

hours as (
    select
        calendar.platform,
        calendar.sub_platform,
        calendar.usage_hour,
        platforms.schedule_source,
        platforms.cost_model = 'fixed' as is_fixed,
        platforms.interpolate_hours,
        platforms.carry_hours,
        observed.coverage,
        coalesce(observed.is_good, false) as is_good,
        coalesce(observed.is_base_unknown, false) as is_base_unknown,
        max(case when observed.is_good then calendar.usage_hour end) over (
            partition by {{ same_source }}
            order by calendar.usage_hour
            rows between unbounded preceding and 1 preceding
        ) as last_good_hour,
        min(case when observed.is_good then calendar.usage_hour end) over (
            partition by {{ same_source }}
            order by calendar.usage_hour
            rows between 1 following and unbounded following
        ) as next_good_hour
    from calendar
    inner join platforms
        on
            calendar.platform = platforms.platform
            and calendar.sub_platform = platforms.sub_platform
            and calendar.usage_hour >= platforms.valid_from
            and calendar.usage_hour < platforms.valid_until
    left join observed
        on
            calendar.platform = observed.platform
            and calendar.sub_platform = observed.sub_platform
            and calendar.usage_hour = observed.usage_hour
),

-- Hours too far away to fill a gap are not read.
near_hours as (
    select
        platform,
        sub_platform,
        usage_hour,
        schedule_source,
        is_fixed,
        interpolate_hours,
        carry_hours,
        coverage,
        is_good,
        is_base_unknown,
        case
            when
                is_fixed
                or {{ hours_between('last_good_hour', 'usage_hour') }}
                <= greatest(interpolate_hours, carry_hours)
                then last_good_hour
        end as last_good_hour,
        case
            when
                {{ hours_between('usage_hour', 'next_good_hour') }}
                <= greatest(interpolate_hours, carry_hours)
                then next_good_hour
        end as next_good_hour
    from hours
),

measured as (
    select
        *,
        {{ hours_between('last_good_hour', 'usage_hour') }} as hours_since,
        {{ hours_between('usage_hour', 'next_good_hour') }} as hours_until
    from near_hours
)

select
    -- ids
    platform,
    sub_platform,
    schedule_source,

    -- how completely it was scraped
    coverage,
    is_base_unknown,
    case
        when is_good and schedule_source = 'kubernetes' then 'measured'
        when is_good then schedule_source
        -- Fixed shares are valid until their owner publishes others.
        when is_fixed and last_good_hour is not null then schedule_source
        when hours_since + hours_until - 1 <= interpolate_hours then 'interpolated'
        when hours_since <= carry_hours then 'carried_forward'
        else 'unattributed'
    end as basis,
    hours_since,
    hours_until,

    -- when
    {{ month_of('usage_hour') }} as usage_month,
    usage_hour,
    case when is_good then usage_hour else last_good_hour end as source_hour,
    next_good_hour
from measured
where {{ in_hours('usage_hour') }}
