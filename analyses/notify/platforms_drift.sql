-- Platforms whose split differs by a quarter or more from that of the 28 days before, up to the end
-- of the bill: a tenant came or went, or the measurement changed. In its first week a platform is
-- compared with too few days.

with

health as (
    select
        *,
        row_number() over (partition by platform, sub_platform order by usage_date) as day_number
    from {{ ref('platform_health') }}
    where expected > 0
),

steady as (
    select
        platform,
        sub_platform,
        max(
            case when drift is null or drift < 0.25 or day_number <= 7 then usage_date end
        ) as last_steady_on
    from health
    group by platform, sub_platform
),

spend as (
    select
        platform,
        sub_platform,
        usage_date,
        sum(spend) as spend
    from {{ ref('daily_spend') }}
    where not is_period_charge
    group by platform, sub_platform, usage_date
),

contacts as (
    select * from {{ ref('contacts') }}
)

select
    contacts.contact as recipient,
    concat(health.platform, ': ', health.sub_platform, ', ', steady.last_steady_on) as problem,
    max(health.usage_date) as happened_on,
    sum(spend.spend) as spend,
    health.platform,
    health.sub_platform,
    min(health.usage_date) as first_day,
    max(health.drift) as largest_drift
from health
inner join steady
    on health.platform = steady.platform and health.sub_platform = steady.sub_platform
left join spend
    on
        health.platform = spend.platform
        and health.sub_platform = spend.sub_platform
        and health.usage_date = spend.usage_date
left join contacts
    on health.platform = contacts.platform and health.sub_platform = contacts.sub_platform
where health.usage_date > steady.last_steady_on
group by contacts.contact, health.platform, health.sub_platform, steady.last_steady_on
