{% macro nth_of(list, position) -%}
    {{ return(adapter.dispatch('nth_of')(list, position)) }}
{%- endmacro %}

{% macro duckdb__nth_of(list, position) -%}
    list_extract({{ list }}, cast({{ position }} as bigint))
{%- endmacro %}

{% macro spark__nth_of(list, position) -%}
    get({{ list }}, cast({{ position }} as int) - 1)
{%- endmacro %}
