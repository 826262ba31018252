{% macro rule_condition(condition) -%}
    {%- if condition.type == 'present' -%}
        {{ normalized_label(rule_value(condition)) }} is not null
    {%- elif condition.type == 'regex' -%}
        {{ matches_pattern(rule_value(condition), condition.value) }}
    {%- else -%}
        {{ rule_value(condition) }} = {{ sql_text(condition.value) }}
    {%- endif -%}
{%- endmacro %}
