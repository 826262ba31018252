{% macro allocated(request, usage) -%}
    case platforms.allocation_base
        when 'request' then pod_hours.{{ request }}
        when 'usage' then pod_hours.{{ usage }}
        when 'max' then greatest(pod_hours.{{ request }}, pod_hours.{{ usage }})
    end
{%- endmacro %}
