{#- Thousandths, so that the variable may say 0.9. -#}
{% macro price_of_resource(resource) -%}
    {%- set weight = var('resource_weights')[resource] -%}
    {%- set thousandths = (weight * 1000) | round | int -%}
    {%- if thousandths <= 0 or thousandths > 100000 or (weight * 1000 - thousandths) | abs > 0.000001 -%}
        {{ exceptions.raise_compiler_error(
            'The variable resource_weights gives ' ~ resource ~ ' the weight `' ~ weight
            ~ '`; it may be from 0.001 to 100, with at most three decimal places.'
        ) }}
    {%- endif -%}
    {{ return(thousandths) }}
{%- endmacro %}
