{#- The number of hours of the longest charge that a platform splits. -#}
{% macro longest_interval() -%}
    {%- if model.resource_type == 'unit_test' -%}
        {{ return(0) }}
    {%- endif -%}
    {%- set charges = ref('int_charges_matched') -%}
    {%- if not execute or not load_relation(charges) -%}
        {{ return(0) }}
    {%- endif -%}
    {{ return(
        run_query('select max(interval_hours) from ' ~ charges ~ ' where platform is not null').rows[0][0] or 0
    ) }}
{%- endmacro %}
