-- Which billing periods' spend has to be given to teams anew: those that were split anew, and those
-- with an hour in which a label or a team belonged to somebody else. Who owns a label now stands
-- on every row of it, so that a change of that touches all.
{{ rebuilds_of('owned') }}

with

periods as (
    select
        billing_period as period,
        min(first_hour) as first_hour,
        max(end_hour) as end_hour
    from {{ ref('int_period_months') }}
    group by billing_period
),

now as (
    select max(usage_last_hour) as last_hour
    from {{ ref('int_period_months') }}
    where usage_month = billing_period
),

owners as (
    select
        concat_ws(' | ', 'label', lyft_label, team, org) as ingredient,
        owned_from as valid_from,
        owned_until as valid_until
    from {{ ref('int_label_owners') }}
),

ingredients as (
    select
        period,
        concat('split ', fingerprint) as ingredient
    from {{ ref('int_rebuilds_split') }}
    where fingerprint is not null
    union all
    select
        periods.period,
        concat_ws(
            ' | ',
            owners.ingredient,
            cast(greatest(owners.valid_from, periods.first_hour) as {{ dbt.type_string() }}),
            cast(least(owners.valid_until, periods.end_hour) as {{ dbt.type_string() }})
        ) as ingredient
    from periods
    inner join owners
        on
            periods.end_hour > owners.valid_from
            and periods.first_hour < owners.valid_until
    union all
    select
        periods.period,
        concat('now ', owners.ingredient) as ingredient
    from periods
    cross join now
    inner join owners
        on
            (now.last_hour >= owners.valid_from and now.last_hour < owners.valid_until)
            or (now.last_hour is null and owners.valid_until = {{ end_of_time() }})
),

{{ rebuilds('owned') }}
