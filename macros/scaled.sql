{#- Twice the product plus the divisor, over twice the divisor, rounded down: rounds half up. -#}
{% macro scaled(amount, numerator, denominator) -%}
    {{
        from_units(
            floor_divide(
                '2 * ' ~ units(amount) ~ ' * ' ~ units(numerator) ~ ' + ' ~ units(denominator),
                '2 * ' ~ units(denominator)
            ),
            'decimal(25, 10)'
        )
    }}
{%- endmacro %}
