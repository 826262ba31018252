{#- The number of hours of the longest charge that a platform splits. -#}
{% macro longest_interval() -%}
    {%- if model.resource_type == 'unit_test' -%}
        {{ return(0) }}
    {%- endif -%}
    {%- set intervals = ref('int_long_intervals') -%}
    {%- if not execute or not load_relation(intervals) -%}
        {{ return(0) }}
    {%- endif -%}
    {{ return(
        run_query('select max(interval_hours) from ' ~ intervals).rows[0][0] or 0
    ) }}
{%- endmacro %}
