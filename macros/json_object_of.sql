{#- A JSON object of one member, as text. -#}
{% macro json_object_of(key, value) -%}
    {{ return(adapter.dispatch('json_object_of', 'infraspend')(key, value)) }}
{%- endmacro %}

{% macro duckdb__json_object_of(key, value) -%}
    cast(json_object('{{ key }}', {{ value }}) as varchar)
{%- endmacro %}

{% macro spark__json_object_of(key, value) -%}
    to_json(named_struct('{{ key }}', {{ value }}))
{%- endmacro %}
