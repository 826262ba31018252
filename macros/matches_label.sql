{#- Whether a charge matches a key of `int_label_matches`, given the names of two relations. -#}
{% macro matches_label(keys, charges='charges') -%}
    {{ same(charges, keys, [
        'billing_period', 'account_id', 'product', 'usage_type', 'operation', 'charge_class',
        'resource_id', 'tags', 'cost_categories'
    ]) }}
    and {{ charges }}.usage_hour >= {{ keys }}.era_from
    and {{ charges }}.usage_hour < {{ keys }}.era_until
{%- endmacro %}
