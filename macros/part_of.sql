{% macro part_of(part, whole) -%}
    {{ from_units(floor_divide(units(part) ~ ' * 10000000000', units(whole))) }}
{%- endmacro %}
