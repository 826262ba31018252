{#- The label that the rule in `label_rule` gives. -#}
{% macro label_of_rule(rules) -%}
    {%- if rules -%}
    case label_rule
        {%- for rule in rules %}
        when {{ rule.order }} then {{ rule_label(rule) }}
        {%- endfor %}
    end
    {%- else -%}
    cast(null as {{ dbt.type_string() }})
    {%- endif -%}
{%- endmacro %}
