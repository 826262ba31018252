{% macro hours_from(start, stop, step_hours=1) -%}
    {{ return(adapter.dispatch('hours_from', 'infraspend')(start, stop, step_hours)) }}
{%- endmacro %}

{% macro duckdb__hours_from(start, stop, step_hours=1) -%}
    unnest(generate_series({{ start }}, {{ stop }} - interval '1' second, to_hours({{ step_hours }})))
{%- endmacro %}

{#- Spark refuses a sequence that ends before it starts; DuckDB's is empty. -#}
{% macro spark__hours_from(start, stop, step_hours=1) -%}
    explode(
        case
            when {{ start }} < {{ stop }}
                then sequence(
                    {{ start }},
                    {{ stop }} - interval '1' second,
                    make_dt_interval(0, cast({{ step_hours }} as int))
                )
        end
    )
{%- endmacro %}
