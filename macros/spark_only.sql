{#- A setting that only Spark uses: DuckDB would warn about it. -#}
{% macro spark_only(value) -%}
    {{ return(value if target.type == 'spark' else none) }}
{%- endmacro %}
