-- Which months of usage the marts by day have to be made anew for: those whose schedules were made
-- anew, or those of the month before, to which they are compared; those with charges that were
-- split anew; and those in which a platform changed hands.
{{ rebuilds_of('spent') }}

with

scheduled as (
    select
        period,
        fingerprint,
        cast(concat(period, '-01') as timestamp) as starts_at,
        cast(concat(period, '-01') as timestamp) + interval '1' month as ends_at
    from {{ ref('int_rebuilds_scheduled') }}
    where fingerprint is not null
),

months as (
    select
        billing_period,
        usage_month
    from {{ ref('int_period_months') }}
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

ingredients as (
    select
        period,
        concat('scheduled ', fingerprint) as ingredient
    from scheduled
    union all
    select
        substr(cast(ends_at as {{ dbt.type_string() }}), 1, 7) as period,
        concat('scheduled before ', fingerprint) as ingredient
    from scheduled
    union all
    select
        months.usage_month as period,
        concat_ws(' | ', 'split', split.period, split.fingerprint) as ingredient
    from months
    inner join {{ ref('int_rebuilds_split') }} as split on months.billing_period = split.period
    where split.fingerprint is not null
    union all
    select
        scheduled.period,
        concat_ws(
            ' | ',
            'owner',
            platforms.platform,
            platforms.sub_platform,
            coalesce(platforms.owner, ''),
            cast(greatest(platforms.valid_from, scheduled.starts_at) as {{ dbt.type_string() }}),
            cast(least(platforms.valid_until, scheduled.ends_at) as {{ dbt.type_string() }})
        ) as ingredient
    from scheduled
    inner join platforms
        on
            scheduled.ends_at > platforms.valid_from
            and scheduled.starts_at < platforms.valid_until
),

{{ rebuilds('spent') }}
