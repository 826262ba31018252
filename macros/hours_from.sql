{% macro hours_from(start, stop, step_hours=1) -%}
    {{ return(adapter.dispatch('hours_from')(start, stop, step_hours)) }}
{%- endmacro %}

{% macro duckdb__hours_from(start, stop, step_hours=1) -%}
    unnest(generate_series({{ start }}, {{ stop }} - interval '1' second, to_hours({{ step_hours }})))
{%- endmacro %}
