{#- The expression that a condition of a label rule tests. -#}
{% macro rule_value(condition) -%}
    {%- if condition.on == 'tag' -%}
        {{ json_value('tags', condition.key) }}
    {%- elif condition.on == 'account_tag' -%}
        {{ json_value('tags', 'account_' ~ condition.key) }}
    {%- elif condition.on == 'cost_category' -%}
        {{ json_value('cost_categories', condition.key) }}
    {%- elif condition.on == 'pod_label' -%}
        {{ json_value('pod_labels', label_key(condition.key)) }}
    {%- elif condition.on == 'namespace_label' -%}
        {{ json_value('namespace_labels', label_key(condition.key)) }}
    {%- elif condition.on == 'account' -%}
        account_id
    {%- else -%}
        {{ condition.on }}
    {%- endif -%}
{%- endmacro %}
