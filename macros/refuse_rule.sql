{% macro refuse_rule(order, problem) -%}
    {%- do exceptions.raise_compiler_error('label_rules.csv, rule_order ' ~ order ~ ': ' ~ problem ~ '.') -%}
{%- endmacro %}
