{#-
    Exact, rounded down, where the product fits. Where it does not, the part is rounded down to ten decimal
    places first. The result has the twenty digits of a spend: where both are branches of one CASE,
    DuckDB would round the spend to ten.
-#}
{% macro scaled_by_part(amount, numerator, denominator) -%}
    {%- set size = 'abs(cast(' ~ amount ~ ' as double)) * abs(cast(' ~ numerator ~ ' as double))' -%}
    cast({{
        from_units(
            'case when ' ~ size ~ ' < 1e17 then '
            ~ floor_divide(units(amount) ~ ' * ' ~ units(numerator), units(denominator))
            ~ ' else '
            ~ floor_divide(
                units(amount) ~ ' * ' ~ floor_divide(
                    units(numerator) ~ ' * 10000000000', units(denominator)
                ),
                '10000000000'
            )
            ~ ' end',
            'decimal(38, 10)'
        )
    }} as decimal(38, 20))
{%- endmacro %}
