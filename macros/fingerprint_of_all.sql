{% macro fingerprint_of_all(text) -%}
    {{ return(adapter.dispatch('fingerprint_of_all')(text)) }}
{%- endmacro %}

{% macro duckdb__fingerprint_of_all(text) -%}
    md5(concat('{{ env_var('INFRASPEND_BUILD', '') }}', string_agg({{ text }}, chr(10) order by {{ text }})))
{%- endmacro %}

{% macro spark__fingerprint_of_all(text) -%}
    md5(concat(
        '{{ env_var('INFRASPEND_BUILD', '') }}',
        array_join(sort_array(collect_list({{ text }})), chr(10))
    ))
{%- endmacro %}
