{% macro beginning() -%}
    cast('1970-01-01 00:00:00' as timestamp)
{%- endmacro %}
