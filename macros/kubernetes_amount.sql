{#- A container's or pod's amount of the resource that a cost model measures. -#}
{% macro kubernetes_amount(hours, kind) -%}
    case cost_models.cost_model
        when 'cpu' then {{ hours }}.cpu_{{ kind }}_core_hours
        when 'memory' then {{ hours }}.memory_{{ kind }}_gib_hours
        when 'gpu' then {{ hours }}.gpu_{{ kind }}_gpu_hours
    end
{%- endmacro %}
