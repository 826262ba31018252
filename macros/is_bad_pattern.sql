{% macro is_bad_pattern(pattern) -%}
    {{ return(adapter.dispatch('is_bad_pattern', 'infraspend')(pattern)) }}
{%- endmacro %}

{% macro duckdb__is_bad_pattern(pattern) -%}
    try(regexp_matches('', {{ pattern }})) is null
{%- endmacro %}

{% macro spark__is_bad_pattern(pattern) -%}
    try_reflect('java.util.regex.Pattern', 'compile', {{ pattern }}) is null
{%- endmacro %}
