{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ infraspend.generate_schema_name(custom_schema_name, node) }}
{%- endmacro %}
