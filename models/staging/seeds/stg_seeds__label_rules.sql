-- The declared label rules, typed. Rows that share a rule_order are one rule.

with

label_rules as (
    select * from {{ ref('label_rules') }}
)

select
    -- ids
    cast(rule_order as int) as rule_order,

    -- what it matches
    match_on,
    match_key,
    match_type,
    {{ nfc('match_value') }} as match_value,

    -- which label it gives
    {{ nfc('lyft_label') }} as lyft_label,

    -- when
    coalesce(cast(valid_from as timestamp), {{ beginning() }}) as valid_from,
    coalesce(cast(valid_until as timestamp), {{ end_of_time() }}) as valid_until
from label_rules
