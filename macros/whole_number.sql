{% macro whole_number() -%}
    {{ return(adapter.dispatch('whole_number')()) }}
{%- endmacro %}

{% macro duckdb__whole_number() -%}
    hugeint
{%- endmacro %}
