{% macro json_value(json, key) -%}
    {{ return(adapter.dispatch('json_value', 'infraspend')(json, key)) }}
{%- endmacro %}

{#- A JSON pointer: in a JSON path even a quoted `*` means every member. -#}
{% macro duckdb__json_value(json, key) -%}
    json_extract_string(
        {{ json }}, {{ sql_text('/' ~ key | replace('~', '~0') | replace('/', '~1')) }}
    )
{%- endmacro %}

{#- A key of a map, as it is: Spark's JSON paths cannot name a key that contains a quote. -#}
{% macro spark__json_value(json, key) -%}
    try_element_at(from_json({{ json }}, 'map<string, string>'), {{ sql_text(key) }})
{%- endmacro %}
