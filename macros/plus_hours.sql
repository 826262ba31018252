{% macro plus_hours(hour, hours) -%}
    {{ return(adapter.dispatch('plus_hours', 'infraspend')(hour, hours)) }}
{%- endmacro %}

{% macro duckdb__plus_hours(hour, hours) -%}
    {{ hour }} + to_hours({{ hours }})
{%- endmacro %}

{% macro spark__plus_hours(hour, hours) -%}
    {{ hour }} + make_dt_interval(0, cast({{ hours }} as int))
{%- endmacro %}
