{% macro bridge_amount(amount) -%}
    cast({{ amount }} as decimal(38, 18))
{%- endmacro %}
