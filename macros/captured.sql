{% macro captured(text, pattern, group) -%}
    {{ return(adapter.dispatch('captured', 'infraspend')(text, pattern, group)) }}
{%- endmacro %}

{% macro duckdb__captured(text, pattern, group) -%}
    regexp_extract({{ text }}, {{ sql_text(pattern) }}, {{ group }})
{%- endmacro %}

{% macro spark__captured(text, pattern, group) -%}
    regexp_extract({{ text }}, {{ sql_text(java_pattern(pattern)) }}, {{ group }})
{%- endmacro %}
