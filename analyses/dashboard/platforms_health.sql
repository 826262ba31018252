-- The data quality of each platform in the last 28 complete days, and the spend that hours
-- without data of their own allocate.

select
    health.platform,
    health.sub_platform,
    health.owner,
    sum(health.spend_at_stake) as spend_at_stake,
    cast(sum(health.expected) as bigint) as hours_expected,
    cast(sum(health.measured) as bigint) as hours_seen,
    cast(sum(health.interpolated) as bigint) as hours_interpolated,
    cast(sum(health.missing) as bigint) as hours_missing,
    max(health.drift) as largest_drift
from {{ ref('platform_health') }} as health
inner join {{ ref('time_spine') }} as spine on health.usage_date = spine.date_day
where spine.days_back <= 28
group by health.platform, health.sub_platform, health.owner
order by spend_at_stake desc, health.platform asc, health.sub_platform asc
