{% macro names_of(name) -%}
    {{ return(adapter.dispatch('names_of', 'infraspend')(name)) }}
{%- endmacro %}

{% macro duckdb__names_of(name) -%}
    string_agg(distinct {{ name }}, ', ' order by {{ name }})
{%- endmacro %}

{% macro spark__names_of(name) -%}
    array_join(sort_array(collect_set({{ name }})), ', ')
{%- endmacro %}
