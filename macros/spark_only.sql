{#- A setting that only Spark has a use for: DuckDB would warn of it. -#}
{% macro spark_only(value) -%}
    {{ return(value if target.type == 'spark' else none) }}
{%- endmacro %}
