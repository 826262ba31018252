{% macro units(amount) -%}
    cast(
        cast({{ amount }} as decimal(38, 10)) * cast(10000000000 as decimal(11, 0))
        as {{ whole_number() }}
    )
{%- endmacro %}
