{% macro percentile_of(amount, percentile) -%}
    {{ return(adapter.dispatch('percentile_of', 'infraspend')(amount, percentile)) }}
{%- endmacro %}

{% macro duckdb__percentile_of(amount, percentile) -%}
    percentile_disc({{ percentile }}) within group (order by {{ amount }})
{%- endmacro %}

{#- Spark's own percentile_disc is a DOUBLE, whatever it looks at. -#}
{% macro spark__percentile_of(amount, percentile) -%}
    try_element_at(
        sort_array(collect_list({{ amount }})),
        greatest(cast(ceil({{ percentile }} * count({{ amount }})) as int), 1)
    )
{%- endmacro %}
