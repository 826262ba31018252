{#-
    Rules have dates, and there should be few keys: all hours between two dates on which any rule
    changes are one era, numbered from 0.
-#}
{% macro rule_era(rules, hour) -%}
    {%- set changes = rule_changes(rules) -%}
    {%- if changes -%}
    case
        {%- for change in changes | reverse %}
        when {{ hour }} >= cast({{ sql_text(change) }} as timestamp) then {{ loop.revindex }}
        {%- endfor %}
        else 0
    end
    {%- else -%}
    0
    {%- endif -%}
{%- endmacro %}

{% macro rule_changes(rules) -%}
    {%- set changes = [] -%}
    {%- for rule in rules -%}
        {%- for change in [rule.valid_from, rule.valid_until] if change not in changes -%}
            {%- do changes.append(change) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(changes | sort) }}
{%- endmacro %}

{#- When the era in the column `rule_era` begins. -#}
{% macro era_from(rules) -%}
    {%- set changes = rule_changes(rules) -%}
    case
        {%- for change in changes %}
        when rule_era = {{ loop.index }} then cast({{ sql_text(change) }} as timestamp)
        {%- endfor %}
        when rule_era = 0 then {{ beginning() }}
    end
{%- endmacro %}

{#- When it ends. -#}
{% macro era_until(rules) -%}
    {%- set changes = rule_changes(rules) -%}
    case
        {%- for change in changes %}
        when rule_era = {{ loop.index0 }} then cast({{ sql_text(change) }} as timestamp)
        {%- endfor %}
        when rule_era = {{ changes | length }} then {{ end_of_time() }}
    end
{%- endmacro %}
