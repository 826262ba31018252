-- How well each platform was known in the last 28 days, and the dollars that rest on hours that
-- were not seen themselves.

with

last_days as (
    select max(usage_date) - 27 as first_date
    from {{ ref('platform_health') }}
)

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
cross join last_days
where health.usage_date >= last_days.first_date
group by health.platform, health.sub_platform, health.owner
order by spend_at_stake desc, health.platform asc, health.sub_platform asc
