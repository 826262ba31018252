{% macro usd(amount) -%}
    cast({{ amount }} as decimal(25, 10))
{%- endmacro %}
