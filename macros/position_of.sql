{% macro position_of(element, list) -%}
    {{ return(adapter.dispatch('position_of')(element, list)) }}
{%- endmacro %}

{% macro duckdb__position_of(element, list) -%}
    list_position({{ list }}, {{ element }})
{%- endmacro %}
