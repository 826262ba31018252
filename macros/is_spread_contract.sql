{#-
    Whether a charge is a Marketplace contract whose cost is spread over its term: no usage by the
    hour, and no correction of another month.
-#}
{% macro is_spread_contract() -%}
    {%- set products = var('spread_marketplace') -%}
    {%- if products is string or products is not iterable -%}
        {%- do exceptions.raise_compiler_error(
            'The variable spread_marketplace is `' ~ products
            ~ '`; it must be a list of product codes, or [all].'
        ) -%}
    {%- endif -%}
    {%- set texts = [] -%}
    {%- for product in products -%}
        {%- do texts.append(sql_text(product | string)) -%}
    {%- endfor -%}
    {%- if not products -%}
        false
    {%- else -%}
        (
            charge_class = 'marketplace'
            and (is_period_charge or pricing_model = 'none')
            and {{ month_of('usage_hour') }} = billing_period
            {% if 'all' not in products %}and product in ({{ texts | join(', ') }}){% endif %}
        )
    {%- endif -%}
{%- endmacro %}
