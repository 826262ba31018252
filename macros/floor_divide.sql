{% macro floor_divide(dividend, divisor) -%}
    {{ return(adapter.dispatch('floor_divide')(dividend, divisor)) }}
{%- endmacro %}

{#- DuckDB's // rounds towards zero; a remainder below zero means that it went one too far. -#}
{% macro duckdb__floor_divide(dividend, divisor) -%}
    (
        ({{ dividend }}) // ({{ divisor }})
        - case when ({{ dividend }}) % ({{ divisor }}) < 0 then 1 else 0 end
    )
{%- endmacro %}
