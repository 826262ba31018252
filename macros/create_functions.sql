{#-
    on-run-start: makes the functions that compiled models call, in the warehouse's default schema, so that
    what dbt compiles can be read and run again.
-#}
{% macro create_functions() -%}
    {{ return(adapter.dispatch('create_functions', 'infraspend')()) }}
{%- endmacro %}

{% macro duckdb__create_functions() -%}
    {%- if execute -%}
        {%- for function in (floor_divide_function(), product_over_function()) -%}
            {%- do run_query('create or replace macro ' ~ function) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- On Spark the expressions are inlined. -#}
{% macro spark__create_functions() -%}
{%- endmacro %}
