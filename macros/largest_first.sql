{% macro largest_first(amount) -%}
    {{ return(adapter.dispatch('largest_first')(amount)) }}
{%- endmacro %}

{% macro duckdb__largest_first(amount) -%}
    list({{ amount }} order by {{ amount }} desc)
{%- endmacro %}

{% macro spark__largest_first(amount) -%}
    sort_array(collect_list({{ amount }}), false)
{%- endmacro %}
