{#- The one value of a group of rows; NULL if it has none or several, or if it is an empty text. -#}
{% macro the_one(value) -%}
    case when min({{ value }}) = max({{ value }}) then nullif(min({{ value }}), '') end
{%- endmacro %}
