{#- Whether a raw line was delivered in an assembly, by the names of two relations. -#}
{% macro is_line_of(assemblies, lines='line_items') -%}
    {{ return(adapter.dispatch('is_line_of', 'infraspend')(assemblies, lines)) }}
{%- endmacro %}

{% macro duckdb__is_line_of(assemblies, lines) -%}
    {{ lines }}._assembly_id = {{ assemblies }}.assembly_id
{%- endmacro %}

{#- On Spark a line stands in the folder of its billing period, so that others need not be looked into. -#}
{% macro spark__is_line_of(assemblies, lines) -%}
    {{ lines }}._assembly_id = {{ assemblies }}.assembly_id
    and {{ lines }}.billing_period = {{ assemblies }}.billing_period
{%- endmacro %}
