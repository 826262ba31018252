{% macro product_over(amount, factor, divisor) -%}
    {{ return(adapter.dispatch('product_over', 'infraspend')(amount, factor, divisor)) }}
{%- endmacro %}

{#- The function below, see create_functions; named so that dbt rebuilds its models when it is edited. -#}
{% macro duckdb__product_over(amount, factor, divisor) -%}
    {%- do product_over_function() -%}
    product_over({{ amount }}, {{ factor }}, {{ divisor }})
{%- endmacro %}

{#-
    The factor is taken in two parts, of which the product with the amount fits in 38 digits as long as
    each of the three is below 3e23.
-#}
{% macro product_over_function() -%}
    {%- set high = 'floor_divide(factor, 1000000000000)' -%}
    product_over(amount, factor, divisor) as
    floor_divide(amount * {{ high }}, divisor) * 1000000000000
    + floor_divide(
        amount * {{ high }} % divisor * 1000000000000 + amount * (factor % 1000000000000), divisor
    )
{%- endmacro %}

{#- As DuckDB's function. -#}
{% macro spark__product_over(amount, factor, divisor) -%}
    {%- set high = floor_divide(factor, '1000000000000') -%}
    {%- set product = '(' ~ amount ~ ') * ' ~ high -%}
    (
        {{ floor_divide(product, divisor) }} * 1000000000000
        + {{ floor_divide(
            '(' ~ product ~ ') % (' ~ divisor ~ ') * 1000000000000'
            ~ ' + (' ~ amount ~ ') * ((' ~ factor ~ ') % 1000000000000)',
            divisor
        ) }}
    )
{%- endmacro %}
