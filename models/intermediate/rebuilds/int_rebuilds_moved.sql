-- Which billing periods have to be compared anew with the one before: those of which either was
-- split anew. A period without a charge is nobody's neighbour.
{{ rebuilds_of('moved') }}

with

charged as (
    select distinct billing_period as period
    from {{ ref('int_period_months') }}
),

split as (
    select
        rebuilds.period,
        rebuilds.fingerprint
    from {{ ref('int_rebuilds_split') }} as rebuilds
    inner join charged on rebuilds.period = charged.period
    where rebuilds.fingerprint is not null
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
