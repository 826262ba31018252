{% macro normalized_label(text) -%}
    {{ return(adapter.dispatch('normalized_label')(text)) }}
{%- endmacro %}

{% macro duckdb__normalized_label(text) -%}
    nullif(lower(regexp_replace({{ text }}, '^[\s\p{Z}]+|[\s\p{Z}]+$', '', 'g')), '')
{%- endmacro %}
