{#-
    What a container counts with inside its label: the resource that the cost model measures, or, where
    it measures several, all of them at their price.
-#}
{% macro kubernetes_amount(hours, kind) -%}
    case cost_models.cost_model
        when 'cpu' then {{ hours }}.cpu_{{ kind }}_core_hours
        when 'memory' then {{ hours }}.memory_{{ kind }}_gib_hours
        when 'gpu' then {{ hours }}.gpu_{{ kind }}_gpu_hours
        when 'network' then {{ hours }}.network_gib
        when 'storage' then 0
        else
            {{ price_of_resource('cpu') }} * {{ hours }}.cpu_{{ kind }}_core_hours
            + {{ price_of_resource('memory') }} * {{ hours }}.memory_{{ kind }}_gib_hours
            + {{ price_of_resource('gpu') }} * {{ hours }}.gpu_{{ kind }}_gpu_hours
    end
{%- endmacro %}
