{#- Whether a charge matches a key of `int_platform_keys`, given the names of two relations. -#}
{% macro matches_platform(keys, charges) -%}
    {{ charges }}.billing_period = {{ keys }}.billing_period
    and {{ charges }}.lyft_label = {{ keys }}.lyft_label
    and {{ charges }}.product = {{ keys }}.product
    and {{ charges }}.usage_type = {{ keys }}.usage_type
    and {{ charges }}.usage_hour >= {{ keys }}.valid_from
    and {{ charges }}.usage_hour < {{ keys }}.valid_until
{%- endmacro %}
