{% macro gap_parts() -%}
    27720
{%- endmacro %}
