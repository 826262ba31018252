{#- The unit of usage as text: the unit of the cost model, and which of request and usage counts. -#}
{% macro unit_of_usage(cost_model, platforms, owner_unit) -%}
    case
        when {{ platforms }}.schedule_source = 'ready_made' then 'published shares'
        when {{ cost_model }} = 'even' then 'label-hours'
        when {{ cost_model }} = 'max' then 'percent-hours, by the largest share'
        when {{ cost_model }} = 'storage' then 'GiB-hours claimed'
        {%- for resource, columns in used_resources().items() %}
        when {{ cost_model }} = '{{ resource }}' then '{{ columns.unit }}'
        {%- endfor %}
        when {{ cost_model }} in ('weighted', '{{ requested_resources().keys() | join("', '") }}')
            then
                concat(
                    case {{ cost_model }}
                        {%- for resource, columns in requested_resources().items() %}
                        when '{{ resource }}' then '{{ columns.unit }}'
                        {%- endfor %}
                        else '{{ weighted_hours() }}'
                    end,
                    case {{ platforms }}.allocation_base
                        when 'request' then ' requested'
                        when 'usage' then ' used'
                        else ', the larger of requested and used'
                    end
                )
        else coalesce({{ owner_unit }}, 'units')
    end
{%- endmacro %}

{#- What `weighted` adds up, with the prices of the variable resource_weights. -#}
{% macro weighted_hours() -%}
    {%- set weights = var('resource_weights') -%}
    weighted hours ({{ weights.cpu }} x core-hours + {{ weights.memory }} x GiB-hours + {{ weights.gpu }} x GPU-hours)
{%- endmacro %}
