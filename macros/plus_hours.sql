{% macro plus_hours(hour, hours) -%}
    {{ return(adapter.dispatch('plus_hours')(hour, hours)) }}
{%- endmacro %}

{% macro duckdb__plus_hours(hour, hours) -%}
    {{ hour }} + to_hours({{ hours }})
{%- endmacro %}
