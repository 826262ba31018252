{% macro deepest_level() -%}
    {{ return(4) }}
{%- endmacro %}
