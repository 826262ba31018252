{#-
    Before a run on Spark: checks that the engine computes exactly, and creates the raw tables over
    the Parquet files that the loaders landed in the lake (INFRASPEND_LAKE). DuckDB has its raw
    tables in the warehouse.
-#}
{% macro open_lake() -%}
    {{ return(adapter.dispatch('open_lake', 'infraspend')()) }}
{%- endmacro %}

{% macro duckdb__open_lake() -%}
{%- endmacro %}

{% macro spark__open_lake() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'seed', 'test') -%}
        {{ refuse_inexact_settings() }}
        {#- The other source is the record of builds, which is in Spark's own tables. -#}
        {%- for source in graph.sources.values() if source.schema.startswith('raw_') -%}
            {{ show_raw_table(source) }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#-
    The columns are those of the sources' properties, not those that Spark infers from a file: it
    reads a timestamp without a zone as another type, and infers nothing from a table without rows.
    The table is created again every time: it has no data of its own, only the data's present
    location.
-#}
{% macro show_raw_table(source) -%}
    {%- set relation = api.Relation.create(schema=source.schema, identifier=source.identifier) -%}
    {%- set partitions = source.meta.get('partitioned_by', []) -%}
    {%- set columns = [] -%}
    {%- for column in source.columns.values() -%}
        {%- do columns.append('`' ~ column.name ~ '` ' ~ column_type(column.data_type)) -%}
    {%- endfor -%}
    {%- for column in partitions -%}
        {%- do columns.append('`' ~ column ~ '` string') -%}
    {%- endfor -%}
    {%- do run_query('create schema if not exists ' ~ source.schema) -%}
    {%- do run_query('drop table if exists ' ~ relation) -%}
    {%- set create -%}
        create table {{ relation }} ({{ columns | join(', ') }})
        using {{ source.meta.get('file_format', 'parquet') }}
        {% if partitions -%}
        partitioned by ({{ partitions | join(', ') }})
        {% endif -%}
        {#- The folders below need not be partitions: dlt may sort its files into some. -#}
        {% if not partitions -%}
        options (recursiveFileLookup 'true')
        {% endif -%}
        location {{ sql_text(env_var('INFRASPEND_LAKE') ~ '/' ~ source.schema ~ '/' ~ source.identifier) }}
    {%- endset -%}
    {%- do run_query(create) -%}
    {%- if partitions -%}
        {%- do run_query('msck repair table ' ~ relation) -%}
    {%- endif -%}
{%- endmacro %}

{#- With other settings Spark silently rounds, or returns NULL for what does not fit. -#}
{% macro refuse_inexact_settings() -%}
    {%- set wanted = {
        'spark.sql.ansi.enabled': 'true',
        'spark.sql.decimalOperations.allowPrecisionLoss': 'false',
        'spark.sql.legacy.decimal.retainFractionDigitsOnTruncate': 'true',
        'spark.sql.session.timeZone': 'UTC',
    } -%}
    {%- for name, value in wanted.items() -%}
        {%- set found = run_query('set ' ~ name).rows[0][1] | string -%}
        {%- if found | lower != value | lower -%}
            {%- do exceptions.raise_compiler_error(
                'Spark runs with ' ~ name ~ '=' ~ found ~ ', in which results are not exact; it must be ' ~ value
                ~ '. Build with `infraspend build --engine spark` (dbt-spark by itself turns ANSI mode off),'
                ~ ' and see the target `spark` in profiles.yml.'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
