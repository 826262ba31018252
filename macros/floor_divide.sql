{% macro floor_divide(dividend, divisor) -%}
    {{ return(adapter.dispatch('floor_divide', 'infraspend')(dividend, divisor)) }}
{%- endmacro %}

{#- The function below, see create_functions; named so that dbt rebuilds its models when it is edited. -#}
{% macro duckdb__floor_divide(dividend, divisor) -%}
    {%- do floor_divide_function() -%}
    floor_divide({{ dividend }}, {{ divisor }})
{%- endmacro %}

{#-
    Dividing doubles is twenty times faster than dividing whole numbers of 38 digits. A quotient
    below 1e14 is off by far less than a half, so that rounded to the nearest it is right or one too
    high. Above, DuckDB's // rounds towards zero; a remainder below zero means that it is one too
    high.
-#}
{% macro floor_divide_function() -%}
    {%- set quotient = 'cast(dividend as double) / cast(divisor as double)' -%}
    {%- set nearest = 'cast(' ~ quotient ~ ' as hugeint)' -%}
    floor_divide(dividend, divisor) as
    case
        when abs({{ quotient }}) < 1e14
            then {{ nearest }} - case when {{ nearest }} * divisor > dividend then 1 else 0 end
        else dividend // divisor - case when dividend % divisor < 0 then 1 else 0 end
    end
{%- endmacro %}

{#-
    Spark's `div` returns a bigint, whatever it divides, and `/` on decimals rounds. The dividend
    less its remainder is a multiple of the divisor, so that nothing is rounded. A quotient of more
    than 20 digits is an error.
-#}
{% macro spark__floor_divide(dividend, divisor) -%}
    {%- set whole_dividend = 'cast(' ~ dividend ~ ' as ' ~ whole_number() ~ ')' -%}
    cast(
        ({{ whole_dividend }} - pmod({{ whole_dividend }}, {{ divisor }})) / ({{ divisor }})
        as {{ whole_number() }}
    )
{%- endmacro %}
