-- Which months of usage have to be compared under all cost models anew: those that the last days
-- are in, if anything in them changed or the days moved on, and those that they were in before.
{{ rebuilds_of('compared') }}

with

last_days as (
    select
        {{ plus_hours('max(last_hour)', -24 * var('compared_days')) }} as starts_at,
        max(last_hour) as ends_at
    from {{ ref('int_last_hours') }}
),

scheduled as (
    select
        scheduled.period,
        scheduled.fingerprint,
        greatest(
            last_days.starts_at, cast(concat(scheduled.period, '-01') as timestamp)
        ) as starts_at,
        last_days.ends_at
    from {{ ref('int_rebuilds_scheduled') }} as scheduled
    inner join last_days
        on
            cast(concat(scheduled.period, '-01') as timestamp) <= last_days.ends_at
            and cast(concat(scheduled.period, '-01') as timestamp) + interval '1' month
            > last_days.starts_at
    where scheduled.fingerprint is not null
),

months as (
    select
        billing_period,
        usage_month
    from {{ ref('int_period_months') }}
),

-- The days are compared as a whole: which cost models fit is seen in all of them.
changes as (
    select
        concat_ws(
            ' | ',
            'scheduled',
            period,
            fingerprint,
            cast(starts_at as {{ dbt.type_string() }}),
            cast(ends_at as {{ dbt.type_string() }})
        ) as ingredient
    from scheduled
    union all
    select concat_ws(' | ', 'split', split.period, split.fingerprint) as ingredient
    from scheduled
    inner join months on scheduled.period = months.usage_month
    inner join {{ ref('int_rebuilds_split') }} as split on months.billing_period = split.period
    where split.fingerprint is not null
),

ingredients as (
    select
        scheduled.period,
        changes.ingredient
    from scheduled
    cross join changes
),

{{ rebuilds('compared') }}
