{#- A row of explained_spend by the words on the bill: what was charged. -#}
{% macro charge_in_words(spend) -%}
    concat_ws(
        ' ',
        {{ spend }}.product,
        {{ spend }}.usage_type,
        {{ spend }}.operation,
        {{ spend }}.charge_class,
        nullif({{ spend }}.pricing_model, 'none')
    )
{%- endmacro %}

{#- The label that a row of explained_spend has on the bill, and the rule that gave it. -#}
{% macro label_on_the_bill(spend, rules) -%}
    {{ spend }}.source_label || coalesce(
        ' (rule ' || cast({{ spend }}.label_rule as varchar)
        || coalesce(': ' || {{ rules }}.matches, '') || ')',
        ''
    )
{%- endmacro %}
