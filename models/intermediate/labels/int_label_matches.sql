-- Which label rule wins, determined once per distinct combination of the columns that rules read.
-- depends_on: {{ ref('stg_seeds__label_rules') }}
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set rules = label_rules() %}

with

keys as (
    select distinct
        billing_period,
        account_id,
        product,
        usage_type,
        operation,
        charge_class,
        resource_id,
        tags,
        cost_categories,
        {{ rule_era(rules, 'usage_hour') }} as rule_era
    from {{ ref('charges') }}
    where {{ in_month('billing_period') }}
),

matched as (
    select
        billing_period,
        account_id,
        product,
        usage_type,
        operation,
        charge_class,
        resource_id,
        tags,
        cost_categories,
        rule_era,
        {{ winning_rule(rules) }} as label_rule
    from keys
)

select
    -- what a rule may read
    billing_period,
    account_id,
    product,
    usage_type,
    operation,
    charge_class,
    resource_id,
    tags,
    cost_categories,

    -- which label it gives
    label_rule,
    coalesce({{ label_of_rule(rules) }}, 'unlabeled') as lyft_label,

    -- when
    {{ era_from(rules) }} as era_from,
    {{ era_until(rules) }} as era_until
from matched
