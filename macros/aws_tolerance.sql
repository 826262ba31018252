{% macro aws_tolerance(gross, lines) -%}
    cast(
        0.000001 * ({{ gross }}) + 0.000000001 * ({{ lines }}) as decimal(38, 10)
    )
{%- endmacro %}
