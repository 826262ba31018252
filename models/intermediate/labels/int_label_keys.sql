-- Which label rule wins, asked once per distinct combination of what rules look at.
-- depends_on: {{ ref('stg_seeds__label_rules') }}

{% set rules = label_rules() %}

with

keys as (
    select distinct
        account_id,
        product,
        usage_type,
        operation,
        charge_class,
        resource_id,
        tags,
        cost_categories,
        {{ rule_era(rules, 'usage_hour') }} as rule_era
    from {{ ref('int_charges_net') }}
),

matched as (
    select
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
    -- what a rule may look at
    account_id,
    product,
    usage_type,
    operation,
    charge_class,
    resource_id,
    tags,
    cost_categories,
    rule_era,

    -- what it says
    label_rule,
    coalesce({{ label_of_rule(rules) }}, 'unlabeled') as lyft_label
from matched
