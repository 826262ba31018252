-- Which billing periods have to be compared anew with the one before: those of which either was
-- split anew.
{{ rebuilds_of('moved') }}

with

split as (
    select
        period,
        fingerprint
    from {{ ref('int_rebuilds_split') }}
    where fingerprint is not null
),

neighbours as (
    select
        period,
        fingerprint,
        lag(period) over (order by period) as previous_period,
        lag(fingerprint) over (order by period) as previous_fingerprint
    from split
),

ingredients as (
    select
        period,
        concat_ws(
            ' | ',
            'split',
            fingerprint,
            coalesce(previous_period, ''),
            coalesce(previous_fingerprint, '')
        ) as ingredient
    from neighbours
),

{{ rebuilds('moved') }}
