{#- One fingerprint of many texts, in any order. -#}
{% macro md5_of_all(text) -%}
    {{ return(adapter.dispatch('md5_of_all', 'infraspend')(text)) }}
{%- endmacro %}

{% macro duckdb__md5_of_all(text) -%}
    md5(string_agg({{ text }}, chr(10) order by {{ text }}))
{%- endmacro %}

{% macro spark__md5_of_all(text) -%}
    md5(nullif(array_join(sort_array(collect_list({{ text }})), chr(10)), ''))
{%- endmacro %}
