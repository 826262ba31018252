-- Which billing periods have to be priced anew: those whose serving delivery is not the one that
-- they were priced from, and those for which a label rule came or went that recognises resources
-- by their ids.
{{ rebuilds_of('priced') }}

with

served as (
    select
        billing_period as period,
        assembly_id,
        landed_at
    from {{ ref('stg_aws_cur__deliveries') }}
    where is_serving
),

rules as (
    select
        concat_ws(
            ' ', rule_order, match_type, match_value, cast(valid_from as {{ dbt.type_string() }})
        ) as rule_text,
        valid_from
    from {{ ref('stg_seeds__label_rules') }}
    where match_on = 'resource_id'
),

ingredients as (
    select
        period,
        concat_ws(' ', 'assembly', assembly_id, cast(landed_at as {{ dbt.type_string() }}))
            as ingredient
    from served
    union all
    -- A bill may speak of usage from before its month, but not from after it.
    select distinct
        served.period,
        concat('rule ', rules.rule_text) as ingredient
    from served
    inner join rules
        on
            rules.valid_from
            < cast(concat(served.period, '-01') as timestamp) + interval '32' day
),

{{ rebuilds('priced') }}
