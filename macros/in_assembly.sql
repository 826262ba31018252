{#- Whether a raw line belongs to an assembly, given the names of two relations. -#}
{% macro in_assembly(assemblies, lines='line_items') -%}
    {{ return(adapter.dispatch('in_assembly', 'infraspend')(assemblies, lines)) }}
{%- endmacro %}

{% macro duckdb__in_assembly(assemblies, lines) -%}
    {{ lines }}._assembly_id = {{ assemblies }}.assembly_id
{%- endmacro %}

{#- On Spark a line is in the folder of its billing period, so that other folders are not read. -#}
{% macro spark__in_assembly(assemblies, lines) -%}
    {{ lines }}._assembly_id = {{ assemblies }}.assembly_id
    and {{ lines }}.billing_period = {{ assemblies }}.billing_period
{%- endmacro %}
