-- Platforms without data for a day or longer, up to the end of the bill: usage or schedules are
-- late.

with

health as (
    select * from {{ ref('platform_health') }}
    where expected > 0
),

last_days as (
    select
        platform,
        sub_platform,
        max(case when measured > 0 then usage_date end) as last_seen_on,
        max(usage_date) as last_expected_on
    from health
    group by platform, sub_platform
),

bill as (
    select max(usage_date) as last_day
    from {{ ref('daily_spend') }}
),

contacts as (
    select * from {{ ref('contacts') }}
)

select
    contacts.contact as recipient,
    concat(
        health.platform, ': ', health.sub_platform, ', ',
        coalesce(last_days.last_seen_on, date '1970-01-01')
    ) as problem,
    max(health.usage_date) as happened_on,
    sum(health.spend_at_stake) as spend,
    health.platform,
    health.sub_platform,
    last_days.last_seen_on,
    cast(sum(health.expected) as bigint) as hours
from health
inner join last_days
    on health.platform = last_days.platform and health.sub_platform = last_days.sub_platform
cross join bill
left join contacts
    on health.platform = contacts.platform and health.sub_platform = contacts.sub_platform
where
    -- A platform that has ended is not late.
    last_days.last_expected_on = bill.last_day
    and (last_days.last_seen_on is null or health.usage_date > last_days.last_seen_on)
group by contacts.contact, health.platform, health.sub_platform, last_days.last_seen_on
having sum(health.expected) >= 24
