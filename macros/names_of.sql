{% macro names_of(name, between=', ') -%}
    {{ return(adapter.dispatch('names_of', 'infraspend')(name, between)) }}
{%- endmacro %}

{% macro duckdb__names_of(name, between) -%}
    string_agg(distinct {{ name }}, '{{ between }}' order by {{ name }})
{%- endmacro %}

{% macro spark__names_of(name, between) -%}
    array_join(sort_array(collect_set({{ name }})), '{{ between }}')
{%- endmacro %}
