{% macro regexp_capture(text, pattern, group) -%}
    {{ return(adapter.dispatch('regexp_capture', 'infraspend')(text, pattern, group)) }}
{%- endmacro %}

{% macro duckdb__regexp_capture(text, pattern, group) -%}
    regexp_extract({{ text }}, {{ sql_text(pattern) }}, {{ group }})
{%- endmacro %}

{% macro spark__regexp_capture(text, pattern, group) -%}
    regexp_extract({{ text }}, {{ sql_text(java_pattern(pattern)) }}, {{ group }})
{%- endmacro %}
