{% macro json_value(json, key) -%}
    {{ return(adapter.dispatch('json_value')(json, key)) }}
{%- endmacro %}

{#- A JSON pointer: in a JSON path even a quoted `*` means every member. -#}
{% macro duckdb__json_value(json, key) -%}
    json_extract_string(
        {{ json }}, {{ sql_text('/' ~ key | replace('~', '~0') | replace('/', '~1')) }}
    )
{%- endmacro %}
