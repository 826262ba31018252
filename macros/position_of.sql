{% macro position_of(element, list) -%}
    {{ return(adapter.dispatch('position_of')(element, list)) }}
{%- endmacro %}

{% macro duckdb__position_of(element, list) -%}
    list_position({{ list }}, {{ element }})
{%- endmacro %}

{% macro spark__position_of(element, list) -%}
    array_position({{ list }}, {{ element }})
{%- endmacro %}
