{#- Divides out the factors of `weigh`; for `max` in percent, a hundred of which are all of an hour. -#}
{% macro amount_of_weight(weight_units, cost_model, times) -%}
    case
        when {{ cost_model }} = 'even'
            then cast({{ floor_divide(weight_units, times) }} as decimal(25, 10))
        when {{ cost_model }} = 'max'
            then {{ from_units(floor_divide(weight_units, gap_parts() ~ '0000 * ' ~ times), 'decimal(25, 10)') }}
        when {{ cost_model }} = 'weighted'
            then {{ from_units(floor_divide(weight_units, gap_parts() ~ '000 * ' ~ times), 'decimal(25, 10)') }}
        else {{ from_units(floor_divide(weight_units, gap_parts() ~ ' * ' ~ times), 'decimal(25, 10)') }}
    end
{%- endmacro %}
