{#- The name of a commitment that a bill does not name, or names in two ways. -#}
{% macro unknown_commitment() -%}
    {{ return('unknown commitment') }}
{%- endmacro %}
