{#- How many hours away, at most, an hour may fill a gap before or after it. -#}
{% macro gap_filling_hours() -%}
    {%- if model.resource_type == 'unit_test' -%}
        {{ return(0) }}
    {%- endif -%}
    {%- set platforms = ref('stg_seeds__platforms') -%}
    {%- if not execute or not load_relation(platforms) -%}
        {{ return(0) }}
    {%- endif -%}
    {%- set longest = run_query(
        'select max(greatest(interpolate_hours, carry_hours)) from ' ~ platforms
    ).rows[0][0] -%}
    {{ return((longest or 0) | int) }}
{%- endmacro %}
