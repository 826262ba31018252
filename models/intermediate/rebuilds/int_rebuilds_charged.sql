-- Which billing periods have to be labelled and pooled anew: those that were priced anew, those in
-- which a label rule changed, and, where discounts come as lines, those of which a commitment's
-- purchase changed.
{{ rebuilds_of('charged') }}

with

periods as (
    select
        billing_period as period,
        min(first_hour) as first_hour,
        {{ plus_hours('max(last_hour)', 1) }} as end_hour
    from {{ ref('int_period_months') }}
    group by billing_period
),

rules as (
    select * from {{ ref('stg_seeds__label_rules') }}
    where match_on not in ('namespace', 'pod_label')
),

purchases as (
    select
        commitments.billing_period as period,
        prepayments.payer_account_id,
        prepayments.commitment_id,
        sum(prepayments.gross_cost) as gross_cost,
        sum(prepayments.net_cost) as net_cost
    from {{ ref('int_discounted_commitments') }} as commitments
    inner join {{ ref('int_prepayments') }} as prepayments
        on
            commitments.payer_account_id = prepayments.payer_account_id
            and commitments.commitment_id = prepayments.commitment_id
    group by
        commitments.billing_period, prepayments.payer_account_id, prepayments.commitment_id
),

ingredients as (
    select
        period,
        concat('priced ', fingerprint) as ingredient
    from {{ ref('stg_aws_cur__rebuilds') }}
    where fingerprint is not null
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
            rules.lyft_label,
            cast(greatest(rules.valid_from, periods.first_hour) as {{ dbt.type_string() }}),
            cast(least(rules.valid_until, periods.end_hour) as {{ dbt.type_string() }})
        ) as ingredient
    from periods
    inner join rules
        on
            periods.end_hour > rules.valid_from
            and periods.first_hour < rules.valid_until
    union all
    select
        period,
        concat_ws(
            ' | ',
            'purchase',
            payer_account_id,
            commitment_id,
            cast(gross_cost as {{ dbt.type_string() }}),
            cast(net_cost as {{ dbt.type_string() }})
        ) as ingredient
    from purchases
),

{{ rebuilds('charged') }}
