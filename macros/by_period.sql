{#-
    Stands at the head of a model that is made anew month by month: names the stage of the build that
    it belongs to (see the macro `stages`), and the column `by` which its rows go by: `billing_period`,
    or `usage_hour`, `usage_date` or `usage_month` for the month of the usage.
-#}
{% macro by_period(stage, by='billing_period') -%}
    {{ config(materialized='by_period', meta={'stage': stage, 'by': by}) }}
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

{#- Parquet files cannot lose single rows: on Spark every build makes the whole table anew. -#}
{% materialization by_period, adapter='spark' %}
    {{ return(materialization_table_spark()) }}
{% endmaterialization %}
