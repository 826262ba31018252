{% macro column_type(data_type) -%}
    {{ return(adapter.dispatch('column_type', 'infraspend')(data_type)) }}
{%- endmacro %}

{% macro duckdb__column_type(data_type) -%}
    {{ return(data_type) }}
{%- endmacro %}

{#- Spark's varchar needs a length, and its JSON is text. -#}
{% macro spark__column_type(data_type) -%}
    {{ return('string' if data_type in ('varchar', 'json') else data_type) }}
{%- endmacro %}

{#- dbt's own cast, with which it makes the columns that a contract promises. -#}
{% macro spark__cast(expression, data_type) -%}
    cast({{ expression }} as {{ column_type(data_type) }})
{%- endmacro %}
