{#-
    The hours that lend to a month that is made anew from further away than others may: those that
    owners of fixed shares published for.
-#}
{% macro lenders_of_old(lending) -%}
    {%- if model.resource_type == 'unit_test' -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set hours = ref('int_sub_platform_hours') -%}
    {%- if not execute or not load_relation(hours) -%}
        {{ return([]) }}
    {%- endif -%}
    {{ return(run_query(
        'select distinct lender_hour from ' ~ rebuilt(hours)
        ~ ' where lender_hour < ' ~ plus_hours('usage_hour', -lending)
    ).rows | map(attribute=0) | list) }}
{%- endmacro %}
