{% macro label_rule_problem(condition, is_bad_pattern) -%}
    {%- set keyed = ['tag', 'account_tag', 'cost_category', 'pod_label', 'namespace_label'] -%}
    {%- set unkeyed = [
        'resource_id', 'account', 'product', 'usage_type', 'operation', 'charge_class', 'namespace'
    ] -%}
    {%- if condition.on not in keyed + unkeyed -%}
        {{ return('match_on `' ~ condition.on ~ '` is not one of ' ~ (keyed + unkeyed) | join(', ')) }}
    {%- elif condition.type not in ['equals', 'regex', 'present'] -%}
        {{ return('match_type `' ~ condition.type ~ '` is not one of equals, regex, present') }}
    {%- elif condition.on in keyed and not condition.key -%}
        {{ return('match_on `' ~ condition.on ~ '` needs a match_key') }}
    {%- elif condition.on in unkeyed and condition.key -%}
        {{ return('match_on `' ~ condition.on ~ '` takes no match_key') }}
    {%- elif condition.type != 'present' and not condition.value -%}
        {{ return('match_type `' ~ condition.type ~ '` needs a match_value') }}
    {%- elif condition.type == 'present' and condition.value -%}
        {{ return('match_type `present` takes no match_value') }}
    {%- elif condition.on == 'account' and condition.type == 'equals'
        and modules.re.fullmatch('[0-9]+', condition.value) and condition.value | length != 12 -%}
        {{ return('`' ~ condition.value ~ '` is no account id: twelve digits, zeros in front too') }}
    {%- elif is_bad_pattern -%}
        {{ return('`' ~ condition.value ~ '` is not a pattern that the engine understands') }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}
