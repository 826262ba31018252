{% macro json_value(json, key) -%}
    {{ return(adapter.dispatch('json_value')(json, key)) }}
{%- endmacro %}

{% macro duckdb__json_value(json, key) -%}
    json_extract_string({{ json }}, {{ sql_text('$."' ~ key | replace('\\', '\\\\') | replace('"', '\\"') ~ '"') }})
{%- endmacro %}
