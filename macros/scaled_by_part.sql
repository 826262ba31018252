{#- The part is rounded down to ten decimal places first, so that large volumes fit. -#}
{% macro scaled_by_part(amount, numerator, denominator) -%}
    {{
        from_units(
            floor_divide(
                units(amount) ~ ' * ' ~ floor_divide(
                    units(numerator) ~ ' * 10000000000', units(denominator)
                ),
                '10000000000'
            ),
            'decimal(38, 10)'
        )
    }}
{%- endmacro %}
