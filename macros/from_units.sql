{% macro from_units(units, type='decimal(11, 10)') -%}
    cast(({{ units }}) * cast(0.0000000001 as decimal(11, 10)) as {{ type }})
{%- endmacro %}
