{#- Divides out the factors of `weigh`; for `max` in millionths, which keep six more digits. -#}
{% macro amount_of_weight(weight_units, cost_model, times) -%}
    case
        when {{ cost_model }} = 'even'
            then cast({{ floor_divide(weight_units, times) }} as decimal(25, 10))
        when {{ cost_model }} in ('max', 'weighted')
            then {{ from_units(floor_divide(weight_units, gap_parts() ~ '000 * ' ~ times), 'decimal(25, 10)') }}
        else {{ from_units(floor_divide(weight_units, gap_parts() ~ ' * ' ~ times), 'decimal(25, 10)') }}
    end
{%- endmacro %}
