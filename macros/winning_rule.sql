{#-
    The rule_order of the first rule that matches, NULL if none does. A rule whose label would be
    empty or reserved does not match.
-#}
{% macro winning_rule(rules) -%}
    {%- if rules -%}
    {%- set changes = rule_changes(rules) -%}
    case
        {%- for rule in rules %}
        when
            {%- for condition in rule.conditions %}
            {% if not loop.first %}and {% endif %}{{ rule_condition(condition) }}
            {%- endfor %}
            and rule_era >= {{ changes.index(rule.valid_from) + 1 }}
            and rule_era < {{ changes.index(rule.valid_until) + 1 }}
            and {{ rule_label(rule) }} not in {{ reserved_labels() }}
            then {{ rule.order }}
        {%- endfor %}
    end
    {%- else -%}
    cast(null as int)
    {%- endif -%}
{%- endmacro %}
