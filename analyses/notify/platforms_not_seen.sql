-- Days on which hours of a platform lack data, before days that have data: consecutive days are one
-- problem. Late data, up to the end of the bill, is in platforms_late.

with

health as (
    select * from {{ ref('platform_health') }}
    where expected > 0
),

last_days as (
    select
        platform,
        sub_platform,
        max(case when measured > 0 then usage_date end) as last_seen_on
    from health
    group by platform, sub_platform
),

not_seen as (
    select
        health.*,
        -- The same for consecutive days.
        health.usage_date - cast(
            row_number() over (
                partition by health.platform, health.sub_platform, health.status
                order by health.usage_date
            ) as int
        ) as days_in_a_row
    from health
    inner join last_days
        on health.platform = last_days.platform and health.sub_platform = last_days.sub_platform
    where health.status <> 'good' and health.usage_date <= last_days.last_seen_on
),

contacts as (
    select * from {{ ref('contacts') }}
)

select
    contacts.contact as recipient,
    concat(
        not_seen.platform, ': ', not_seen.sub_platform, ', ', not_seen.status, ', ',
        min(not_seen.usage_date)
    ) as problem,
    max(not_seen.usage_date) as happened_on,
    sum(not_seen.spend_at_stake) as spend,
    not_seen.platform,
    not_seen.sub_platform,
    min(not_seen.usage_date) as first_day,
    max(not_seen.usage_date) as last_day,
    cast(sum(not_seen.expected) as bigint) as expected,
    cast(nullif(sum(not_seen.missing), 0) as bigint) as missing,
    cast(nullif(sum(not_seen.interpolated), 0) as bigint) as interpolated,
    max(not_seen.unknown_resources) as unknown_resources
from not_seen
left join contacts
    on not_seen.platform = contacts.platform and not_seen.sub_platform = contacts.sub_platform
group by
    contacts.contact,
    not_seen.platform,
    not_seen.sub_platform,
    not_seen.status,
    not_seen.days_in_a_row
