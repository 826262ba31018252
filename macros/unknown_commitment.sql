{#- What a commitment is called that a bill does not name, or names in two ways. -#}
{% macro unknown_commitment() -%}
    {{ return('unknown commitment') }}
{%- endmacro %}
