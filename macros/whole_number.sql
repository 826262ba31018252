{% macro whole_number() -%}
    {{ return(adapter.dispatch('whole_number', 'infraspend')()) }}
{%- endmacro %}

{% macro duckdb__whole_number() -%}
    hugeint
{%- endmacro %}

{#- 38 digits, as many as a whole amount of `units` has; one more is an error. -#}
{% macro spark__whole_number() -%}
    decimal(38, 0)
{%- endmacro %}
