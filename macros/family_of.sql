{% macro family_of(instance_type) -%}
    {{ return(adapter.dispatch('family_of', 'infraspend')(instance_type)) }}
{%- endmacro %}

{% macro duckdb__family_of(instance_type) -%}
    regexp_replace({{ instance_type }}, '\.[^.]*(\.(search|elasticsearch))?$', '')
{%- endmacro %}

{% macro spark__family_of(instance_type) -%}
    regexp_replace({{ instance_type }}, r'\.[^.]*(\.(search|elasticsearch))?\z', '')
{%- endmacro %}
