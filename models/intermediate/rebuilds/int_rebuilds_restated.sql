-- Which billing periods' restatements have to be told anew: those with another delivery, those that
-- were closed, and those in which a label rule changed that looks at accounts and tags.
{{ rebuilds_of('restated') }}

with

deliveries as (
    select * from {{ ref('stg_aws_cur__deliveries') }}
),

periods as (
    select distinct
        billing_period as period,
        cast(concat(billing_period, '-01') as timestamp) as starts_at
    from deliveries
),

ingredients as (
    select
        billing_period as period,
        concat_ws(
            ' | ',
            'assembly',
            assembly_id,
            report,
            cast(manifest_time as {{ dbt.type_string() }}),
            cast(landed_at as {{ dbt.type_string() }})
        ) as ingredient
    from deliveries
    union all
    select
        periods.period,
        concat_ws(' | ', 'closed', closed.payer_account_id, closed.assembly_id) as ingredient
    from periods
    inner join {{ ref('stg_seeds__closed_periods') }} as closed
        on periods.period = closed.billing_period
    union all
    select
        periods.period,
        concat_ws(
            ' | ',
            'rule',
            cast(rules.rule_order as {{ dbt.type_string() }}),
            rules.match_on,
            coalesce(rules.match_key, ''),
            rules.match_type,
            coalesce(rules.match_value, ''),
            rules.lyft_label
        ) as ingredient
    from periods
    inner join {{ ref('stg_seeds__label_rules') }} as rules
        on
            periods.starts_at >= rules.valid_from
            and periods.starts_at < rules.valid_until
),

{{ rebuilds('restated') }}
