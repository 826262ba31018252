{#- A line of a daily report without intervals may name the hour of its day at which usage began. -#}
{% macro hour_of_line(lines, assemblies) -%}
    coalesce(
        cast(substr({{ lines }}.identity_time_interval, 1, 19) as timestamp),
        case
            when {{ assemblies }}.grain_hours > 1
                then date_trunc('day', {{ lines }}.line_item_usage_start_date)
            else date_trunc('hour', {{ lines }}.line_item_usage_start_date)
        end
    )
{%- endmacro %}
