-- Which platforms' schedules were not measured in the last 30 days, and the dollars that rest on
-- such hours.

with

health as (
    select * from {{ ref('platform_health') }}
),

last_days as (
    select max(usage_date) - 29 as first_date
    from health
)

select
    health.platform,
    health.sub_platform,
    health.owner,
    sum(health.interpolated) as hours_interpolated,
    sum(health.missing) as hours_missing,
    sum(health.spend_at_stake) as spend_at_stake
from health
cross join last_days
where health.usage_date >= last_days.first_date
group by health.platform, health.sub_platform, health.owner
order by spend_at_stake desc, health.platform asc, health.sub_platform asc
