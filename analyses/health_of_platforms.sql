-- Which platforms' schedules were not measured in the last 30 complete days, and the spend that
-- those hours allocate.

select
    health.platform,
    health.sub_platform,
    health.owner,
    sum(health.interpolated) as hours_interpolated,
    sum(health.missing) as hours_missing,
    sum(health.spend_at_stake) as spend_at_stake
from {{ ref('platform_health') }} as health
inner join {{ ref('time_spine') }} as spine on health.usage_date = spine.date_day
where spine.days_back <= 30
group by health.platform, health.sub_platform, health.owner
order by spend_at_stake desc, health.platform asc, health.sub_platform asc
