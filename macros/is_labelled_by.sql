{#- Whether a charge matches a key of `int_label_keys`, given the names of two relations. -#}
{% macro is_labelled_by(keys, charges='charges') -%}
    {{ same(charges, keys, [
        'billing_period', 'account_id', 'product', 'usage_type', 'operation', 'charge_class',
        'resource_id', 'tags', 'cost_categories'
    ]) }}
    and {{ charges }}.usage_hour >= {{ keys }}.era_from
    and {{ charges }}.usage_hour < {{ keys }}.era_until
{%- endmacro %}
