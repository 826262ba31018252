{#-
    The amount that a pod or container counts with. Where its use is not known, its request counts:
    a pod without measurements took no less of a node.
-#}
{% macro allocated(request, usage, base) -%}
    case {{ base }}
        when 'request' then coalesce({{ request }}, 0)
        when 'max' then greatest(coalesce({{ request }}, 0), coalesce({{ usage }}, 0))
        else coalesce({{ usage }}, {{ request }}, 0)
    end
{%- endmacro %}
