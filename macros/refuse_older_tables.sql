{#-
    on-run-start: stops with one line of advice if an earlier version made the raw tables, instead of
    failing in every model that reads a column that they lack. `infraspend` adds what is missing.
-#}
{% macro refuse_older_tables() -%}
    {{ return(adapter.dispatch('refuse_older_tables', 'infraspend')()) }}
{%- endmacro %}

{% macro duckdb__refuse_older_tables() -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set found = {} -%}
        {%- for row in run_query(
            'select table_schema, table_name, column_name from information_schema.columns'
            ~ ' where table_catalog = current_database()'
        ).rows -%}
            {%- do found.update({row.values() | join('.'): true}) -%}
        {%- endfor -%}
        {%- set missing = [] -%}
        {%- for source in graph.sources.values() if source.package_name == 'infraspend' -%}
            {%- for column in source.columns -%}
                {%- set name = [source.schema, source.identifier, column] | join('.') -%}
                {%- if name not in found -%}
                    {%- do missing.append(name) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- if missing -%}
            {%- do exceptions.raise_compiler_error(
                target.path ~ ' was loaded by an earlier version: it lacks ' ~ missing[0]
                ~ (' and ' ~ (missing | length - 1) ~ ' more columns' if missing | length > 1 else '')
                ~ '. Add them, which keeps what was loaded: infraspend build'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- On Spark the raw tables are created again before every run, with the columns of this version. -#}
{% macro spark__refuse_older_tables() -%}
{%- endmacro %}
