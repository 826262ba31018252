{#- A platform in a chain of splits, as text; NULL without a platform. -#}
{% macro step_of_way(platform, sub_platform, capacity_pool, cost_model) -%}
    {{ platform }} || ': ' || {{ sub_platform }} || ' (' || {{ capacity_pool }} || ', ' || {{ cost_model }} || ')'
{%- endmacro %}
