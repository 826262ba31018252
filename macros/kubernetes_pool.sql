{% macro kubernetes_pool(hours) -%}
    case platforms.pool_by
        when 'instance_type' then {{ hours }}.instance_type
        when 'node' then coalesce({{ hours }}.instance_id, {{ hours }}.node)
        else 'all'
    end
{%- endmacro %}
