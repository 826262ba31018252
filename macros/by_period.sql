{#-
    Stands at the head of a model that is made anew month by month: names the stage of the build that
    it belongs to (see the macro `stages`), and the column `by` which its rows go by: `billing_period`,
    or `usage_hour`, `usage_date` or `usage_month` for the month of the usage.
-#}
{% macro by_period(stage, by='billing_period') -%}
    {{ config(materialized='by_period', meta={'stage': stage, 'by': by}) }}
    {%- if target.type == 'spark' -%}
        {{ config(partition_by='period_of_row') }}
    {%- endif -%}
    {{ waits_for(stage) }}
{%- endmacro %}

{#- The node is built, or the test is run, after it is known which months the stage makes anew. -#}
{% macro waits_for(stage) -%}
    {#- A unit test knows only what it is given. -#}
    {%- if model.resource_type != 'unit_test' -%}
        -- depends_on: {{ ref(stages()[stage].rebuilds) }}
    {%- endif -%}
{%- endmacro %}

{#-
    Replaces the months that the model's stage makes anew, in one transaction: deletes them and
    inserts what they are now. If that is all of them, or some are all that there is, the table is
    made anew as a whole.
-#}
{% materialization by_period, adapter='duckdb' %}
    {%- set condition = rebuilt_condition(this) -%}
    {%- if condition is none or load_cached_relation(this) is none -%}
        {{ return(materialization_table_duckdb()) }}
    {%- endif -%}

    {%- set target = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') -%}
        {%- if condition == 'false' -%}
            select 'nothing to make anew'
        {%- else -%}
            delete from {{ target }} where {{ condition }};
            insert into {{ target }} by name {{ compiled_code }}
        {%- endif -%}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{#-
    Parquet files cannot lose single rows, but a table of them can lose a partition: on Spark each month
    of `by` is one. Months go and come one after the other, not in one transaction; what is killed in
    between is not yet noted as built, and comes again.
-#}
{% materialization by_period, adapter='spark' %}
    {%- set condition = rebuilt_condition(this) -%}
    {%- if condition is none or load_cached_relation(this) is none -%}
        {{ return(materialization_table_spark()) }}
    {%- endif -%}

    {%- set target = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- if condition == 'false' -%}
        {% call statement('main') -%}
            select 'nothing to make anew'
        {%- endcall %}
    {%- else -%}
        {%- set query = with_period_of_row(in_steps(target, compiled_code)) -%}
        {{ drop_periods(target, periods_to_rebuild(config.get('meta').stage)) }}
        {% call statement('main') -%}
            insert into {{ target }} by name {{ query }}
        {%- endcall %}
    {%- endif -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{#-
    A month that is not there is added first: a run that was killed may have left files in its folder
    which the catalog does not know of, and only a partition that it knows goes with its folder.
-#}
{% macro drop_periods(relation, periods) -%}
    {%- set partitions = [] -%}
    {%- for period in periods -%}
        {%- do partitions.append("partition (period_of_row = '" ~ period ~ "')") -%}
    {%- endfor -%}
    {%- do run_query('alter table ' ~ relation ~ ' add if not exists ' ~ partitions | join(' ')) -%}
    {%- do run_query('alter table ' ~ relation ~ ' drop if exists ' ~ partitions | join(', ')) -%}
{%- endmacro %}

{#- The rows of a query, each with the month that it belongs to: only the table knows this column. -#}
{% macro with_period_of_row(query) -%}
    select
        made.*,
        {% if config.get('meta').by == 'billing_period' -%}
        billing_period
        {%- else -%}
        substr(cast({{ config.get('meta').by }} as string), 1, 7)
        {%- endif %} as period_of_row
    from ({{ query }}) as made
{%- endmacro %}
