{% macro instance_of(id) -%}
    nullif(regexp_extract({{ id }}, '([^/]+)$', 1), '')
{%- endmacro %}
