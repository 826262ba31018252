{#- What `weigh` multiplies by, divided out again; of `max` in millionths, which keep six digits more. -#}
{% macro amount_of_weight(weight_units, cost_model) -%}
    case {{ cost_model }}
        when 'even' then cast({{ weight_units }} as decimal(25, 10))
        when 'max' then {{ from_units(floor_divide(weight_units, '27720000'), 'decimal(25, 10)') }}
        when 'weighted' then {{ from_units(floor_divide(weight_units, '27720000'), 'decimal(25, 10)') }}
        else {{ from_units(floor_divide(weight_units, '27720'), 'decimal(25, 10)') }}
    end
{%- endmacro %}
