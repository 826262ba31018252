{#- The unit of usage as text: the unit of the cost model, and which of request and usage counts. -#}
{% macro unit_of_usage(cost_model, platforms, owner_unit) -%}
    case
        when {{ platforms }}.schedule_source = 'ready_made' then 'published shares'
        when {{ cost_model }} = 'even' then 'label-hours'
        when {{ cost_model }} = 'max' then 'millionths, by the largest share'
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
                        else 'weighted hours'
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
