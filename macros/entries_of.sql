{% macro entries_of(json) -%}
    {{ return(adapter.dispatch('entries_of', 'infraspend')(json)) }}
{%- endmacro %}

{% macro duckdb__entries_of(json) -%}
    unnest(map_entries(cast(cast({{ json }} as json) as map(varchar, varchar))))
{%- endmacro %}

{% macro spark__entries_of(json) -%}
    explode(map_entries(from_json({{ json }}, 'map<string, string>')))
{%- endmacro %}
