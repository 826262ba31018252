-- What each label rule matches, in words: the rules that explained_spend numbers.

with

label_rules as (
    select
        rule_order,
        lyft_label,
        concat_ws(' ', match_on, nullif(match_key, ''), match_type, nullif(match_value, ''))
            as condition
    from {{ ref('stg_seeds__label_rules') }}
)

select
    -- which rule
    rule_order as label_rule,

    -- what it does
    {{ names_of('condition', between=' and ') }} as matches,
    lyft_label as gives_label
from label_rules
group by rule_order, lyft_label
