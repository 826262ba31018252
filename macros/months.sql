{#-
    Months are replaced whole. The model `months` lists those that the warehouse knows and why one has
    to be refreshed. An incremental model of this project builds one month per statement: its
    pre-hook deletes the listed months and names the first, the model builds it, and the post-hook
    repeats the same statement for the others. So a full refresh needs memory for its largest month
    only, and the rows of a month lie together. The session variable `refreshed_month` names the
    month; where it is not set, as in `dbt show`, and in unit tests, a model selects all months.
    Other projects that use this one as a package call these macros, too: hence the prefix.
-#}

{#- A filter for an incremental model: rows of the month that the statement builds. -#}
{% macro in_month(column) -%}
    {%- if model.resource_type == 'unit_test' -%}
        {{ return('true') }}
    {%- endif -%}
    {%- do ref('infraspend', 'months') -%}
    {%- if execute -%}
        {{- infraspend.declare_session_variable('refreshed_month') -}}
    {%- endif -%}
    {{ column }} between coalesce({{ infraspend.session_variable('refreshed_month') }}, '0000-00')
    and coalesce({{ infraspend.session_variable('refreshed_month') }}, '9999-99')
{%- endmacro %}

{#- The same for a model that is a table on Spark only, and a view on DuckDB. -#}
{% macro in_month_on_spark(column) -%}
    {{ return(infraspend.in_month(column) if target.type == 'spark' else 'true') }}
{%- endmacro %}

{#- The same for rows that have an hour and no month, with so many hours before and after the month. -#}
{% macro in_hours(column, before=0, after=0) -%}
    {%- if model.resource_type == 'unit_test' -%}
        {{ return('true') }}
    {%- endif -%}
    {%- do ref('infraspend', 'months') -%}
    {%- if execute -%}
        {{- infraspend.declare_session_variable('refreshed_month') -}}
    {%- endif -%}
    {%- set starts_at = "cast(" ~ infraspend.session_variable('refreshed_month') ~ " || '-01' as timestamp)" -%}
    {{ column }} >= coalesce({{ infraspend.plus_hours(starts_at, -before) }}, {{ infraspend.beginning() }})
    and {{ column }}
    < coalesce({{ infraspend.plus_hours('(' ~ starts_at ~ " + interval '1' month)", after) }}, {{ infraspend.end_of_time() }})
{%- endmacro %}

{#- The same for rows by month of usage, where the statement builds a billing period. -#}
{% macro in_months_of_bill(column) -%}
    {%- if model.resource_type == 'unit_test' -%}
        {{ return('true') }}
    {%- endif -%}
    {{ column }} in (
        select bill_months.usage_month
        from {{ ref('infraspend', 'int_period_months') }} as bill_months
        where {{ infraspend.in_month('bill_months.billing_period') }}
    )
{%- endmacro %}

{#- For a view that needs no list of months: its tests read the listed months, so they run after it. -#}
{% macro after_months() -%}
    {%- if model.resource_type != 'unit_test' -%}
        -- depends_on: {{ ref('infraspend', 'months') }}
    {%- endif -%}
{%- endmacro %}

{#- The month of a time, written as billing periods are: 2026-10. -#}
{% macro month_of(hour) -%}
    substr(cast({{ hour }} as {{ dbt.type_string() }}), 1, 7)
{%- endmacro %}

{#- Pre-hook: deletes the months that are refreshed, and names the first of them. -#}
{% macro begin_months() -%}
    {%- if infraspend.is_made_by_month() -%}
        {%- set months = infraspend.months_of_model() -%}
        {%- if months and is_incremental() -%}
            {{ infraspend.delete_months(this, config.get('unique_key'), months) }}
        {%- endif -%}
        {%- if infraspend.is_built_at_once(months) -%}
            {{ infraspend.set_session_variable('refreshed_months', '') }}
            {{ infraspend.set_session_variable('refreshed_month', none) }}
        {%- else -%}
            {{ infraspend.set_session_variable('refreshed_months', months | join(',')) }}
            {#- A month without rows, if there is none to refresh. -#} {{
            infraspend.set_session_variable('refreshed_month', months | first | default('0001-01')) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Post-hook: builds the other months with the statement that built the first. -#}
{% macro repeat_for_other_months() -%}
    {%- if infraspend.is_made_by_month() -%}
        {%- set months = run_query(
            'select ' ~ infraspend.session_variable('refreshed_months')
        ).columns[0].values()[0] or '' -%}
        {%- for month in months.split(',')[1:] -%}
            {{ infraspend.set_session_variable('refreshed_month', month) }}
            {%- do run_query('insert into ' ~ this ~ ' by name\n' ~ compiled_code) -%}
        {%- endfor -%}
        {{ infraspend.set_session_variable('refreshed_month', none) }}
    {%- endif -%}
{%- endmacro %}

{#-
    Whether the model that is being built uses the list of months. It does not if the list was never
    built, as when a part of the project is built first in a new warehouse.
-#}
{% macro is_made_by_month() -%}
    {{ return(
        execute
        and config.get('materialized') == 'incremental'
        and config.get('unique_key') in ('billing_period', 'usage_month')
        and load_relation(ref('infraspend', 'months')) is not none
    ) }}
{%- endmacro %}

{#- The listed months, or all known months if the table is new or a full refresh was requested. -#}
{% macro months_of_model() -%}
    {{ return(run_query(
        'select month from ' ~ ref('infraspend', 'months')
        ~ (' where why is not null' if is_incremental() else '')
        ~ ' order by month'
    ).columns[0].values() | list) }}
{%- endmacro %}

{#-
    Whether one statement builds all months: these are all that are known, and the raw tables have so
    few rows that memory is no matter. Fifteen statements on a little each take three times as long.
-#}
{% macro is_built_at_once(months) -%}
    {{ return(adapter.dispatch('is_built_at_once', 'infraspend')(months)) }}
{%- endmacro %}

{% macro duckdb__is_built_at_once(months) -%}
    {%- set known, raw_rows = run_query(
        'select (select count(*) from ' ~ ref('infraspend', 'months') ~ '),'
        ~ " (select coalesce(sum(estimated_size), 0) from duckdb_tables() where schema_name like 'raw\\_%' escape '\\')"
    ).rows[0].values() -%}
    {{ return(
        months | length == known and raw_rows <= env_var('INFRASPEND_ROWS_AT_ONCE', '2000000') | int
    ) }}
{%- endmacro %}

{% macro spark__is_built_at_once(months) -%}
    {{ return(false) }}
{%- endmacro %}

{% macro delete_months(relation, column, months) -%}
    {{ return(adapter.dispatch('delete_months', 'infraspend')(relation, column, months)) }}
{%- endmacro %}

{% macro duckdb__delete_months(relation, column, months) -%}
    {%- do run_query(
        'delete from ' ~ relation ~ ' where ' ~ column ~ " in ('" ~ months | join("', '") ~ "')"
    ) -%}
{%- endmacro %}

{#-
    A table of Parquet files can lose whole partitions. One that is not there is added first: a run that
    was killed may have left files in its folder, which go only with a partition that the catalog knows.
-#}
{% macro spark__delete_months(relation, column, months) -%}
    {%- set partitions = [] -%}
    {%- for month in months -%}
        {%- do partitions.append('partition (' ~ column ~ " = '" ~ month ~ "')") -%}
    {%- endfor -%}
    {%- do run_query('alter table ' ~ relation ~ ' add if not exists ' ~ partitions | join(' ')) -%}
    {%- do run_query('alter table ' ~ relation ~ ' drop if exists ' ~ partitions | join(', ')) -%}
{%- endmacro %}

{#- A variable of the session, or NULL. -#}
{% macro session_variable(name) -%}
    {{ return(adapter.dispatch('session_variable', 'infraspend')(name)) }}
{%- endmacro %}

{% macro duckdb__session_variable(name) -%}
    {{ return("cast(getvariable('" ~ name ~ "') as varchar)") }}
{%- endmacro %}

{#- One variable per model: all threads of dbt share one session, where Spark runs in its process. -#}
{% macro spark__session_variable(name) -%}
    {{ return('session.' ~ name ~ '_of_' ~ model.name) }}
{%- endmacro %}

{% macro set_session_variable(name, value) -%}
    {{ return(adapter.dispatch('set_session_variable', 'infraspend')(name, value)) }}
{%- endmacro %}

{% macro duckdb__set_session_variable(name, value) -%}
    {%- do run_query(
        'set variable ' ~ name ~ ' = '
        ~ (infraspend.sql_text(value) if value is not none else 'null')
    ) -%}
{%- endmacro %}

{% macro spark__set_session_variable(name, value) -%}
    {%- do run_query(
        'declare or replace variable ' ~ infraspend.session_variable(name) ~ ' string default '
        ~ (infraspend.sql_text(value) if value is not none else 'null')
    ) -%}
{%- endmacro %}

{#- Spark refuses a statement with an undeclared variable, which DuckDB reads as NULL. -#}
{% macro declare_session_variable(name) -%}
    {{ return(adapter.dispatch('declare_session_variable', 'infraspend')(name)) }}
{%- endmacro %}

{% macro duckdb__declare_session_variable(name) -%}
{%- endmacro %}

{% macro spark__declare_session_variable(name) -%}
    {{ infraspend.set_session_variable(name, none) }}
{%- endmacro %}
