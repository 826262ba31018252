{#-
    The part is rounded down to ten decimal places first, so that large volumes fit. The result has the
    twenty digits of a spend: where both are branches of one CASE, DuckDB would round the spend to ten.
-#}
{% macro scaled_by_part(amount, numerator, denominator) -%}
    cast({{
        from_units(
            floor_divide(
                units(amount) ~ ' * ' ~ floor_divide(
                    units(numerator) ~ ' * 10000000000', units(denominator)
                ),
                '10000000000'
            ),
            'decimal(38, 10)'
        )
    }} as decimal(38, 20))
{%- endmacro %}
