{% macro sql_text(value) -%}
    {{ return(adapter.dispatch('sql_text', 'infraspend')(value)) }}
{%- endmacro %}

{% macro duckdb__sql_text(value) -%}
    {{ return("'" ~ (value | string | replace("'", "''")) ~ "'") }}
{%- endmacro %}

{% macro spark__sql_text(value) -%}
    {{ return("'" ~ (value | string | replace('\\', '\\\\') | replace("'", "\\'")) ~ "'") }}
{%- endmacro %}
