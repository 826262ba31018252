{#-
    The factor is taken in two parts, of which the product with the amount fits in 38 digits as long as
    each of the three is below 3e23.
-#}
{% macro product_over(amount, factor, divisor) -%}
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
