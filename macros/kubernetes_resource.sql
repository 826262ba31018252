{#- The column of a wide row of weights that has the amount of the resource. -#}
{% macro kubernetes_resource(weights) -%}
    case resources.resource
        when 'cpu' then {{ weights }}.cpu
        when 'memory' then {{ weights }}.memory
        when 'gpu' then {{ weights }}.gpu
        when 'network' then {{ weights }}.network
        when 'pods' then {{ weights }}.pods
        when 'storage' then {{ weights }}.storage
    end
{%- endmacro %}
