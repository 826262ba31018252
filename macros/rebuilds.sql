{#-
    Ends the model that says which months a stage makes anew. Reads the common table expression
    `ingredients` (period, ingredient): all that the stage's rows of a month are made from, as texts.
    Their fingerprint is compared with the one that the month was last built from, and completely:
    `pipeline.rebuilds` remembers. Code is an ingredient of everything; dbt alone does not know all of
    it, so that only builds through `infraspend build` leave anything alone.
-#}
{% macro rebuilds(stage) -%}
fingerprints as (
    select
        period,
        {{ fingerprint_of_all('ingredient') }} as fingerprint
    from ingredients
    group by period
),

{% set log = remembered_builds(stage) -%}
noted as (
    {%- if log %}
    select
        period,
        fingerprint,
        is_built,
        row_number() over (partition by period order by noted_at desc, is_built desc) as age
    from {{ log }}
    where stage = '{{ stage }}'
    {%- else %}
    select
        period,
        fingerprint,
        false as is_built,
        1 as age
    from fingerprints
    where false
    {%- endif %}
),

built as (
    select
        period,
        case when is_built then fingerprint else 'never completed' end as fingerprint
    from noted
    where age = 1
),

compared as (
    select
        coalesce(fingerprints.period, built.period) as period,
        fingerprints.fingerprint,
        {% if everything_is_rebuilt(stage) -%}
        true
        {%- else -%}
        fingerprints.fingerprint is distinct from built.fingerprint
        {%- endif %} as is_rebuilt
    from fingerprints
    full outer join built on fingerprints.period = built.period
)

select
    period,
    fingerprint,
    is_rebuilt
from compared
where is_rebuilt or fingerprint is not null
{%- endmacro %}

{#- Stands at the head of such a model. From the moment it is there, its months count as unfinished. -#}
{% macro rebuilds_of(stage) -%}
    {{ config(materialized='table', meta={'rebuilds': stage}, post_hook="{{ note_rebuilds('" ~ stage ~ "', is_built=false) }}") }}
{%- endmacro %}

{#- Whether this run builds everything and is recorded by `infraspend build`. -#}
{% macro is_recorded_build() -%}
    {#- Unit tests are about the models, not about what they make. -#}
    {%- set left_out = invocation_args_dict.get('exclude_resource_types') or [] -%}
    {{ return(
        flags.WHICH == 'build'
        and env_var('INFRASPEND_BUILD', '') != ''
        and not invocation_args_dict.get('select')
        and not invocation_args_dict.get('exclude')
        and not invocation_args_dict.get('resource_types')
        and left_out | reject('equalto', 'unit_test') | list | length == 0
        and not flags.EMPTY
    ) }}
{%- endmacro %}

{#- A build of everything was asked for, nothing is known of the last one, or a table is gone. -#}
{% macro everything_is_rebuilt(stage) -%}
    {%- if not execute or flags.FULL_REFRESH or not is_recorded_build() -%}
        {{ return(true) }}
    {%- endif -%}
    {%- for node in models_of_project().values()
        if node.config.materialized == 'by_period' and node.config.meta.stage == stage -%}
        {%- if not adapter.get_relation(node.database, node.schema, node.alias) -%}
            {{ return(true) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(false) }}
{%- endmacro %}

{#- The log of what was built from what, if there is one. -#}
{% macro remembered_builds(stage) -%}
    {%- if not execute or model.resource_type != 'model' -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(adapter.get_relation(target.database, 'pipeline', log_of_builds(stage).identifier)) }}
{%- endmacro %}

{#- Notes that a stage begins to make its months anew, or that they are built; nothing if there are none. -#}
{% macro note_rebuilds(stage, is_built) -%}
    {%- if execute and is_recorded_build() and periods_to_rebuild(stage) != [] -%}
    insert into {{ log_of_builds(stage) }}
    select
        '{{ stage }}' as stage,
        period,
        fingerprint,
        {{ is_built | lower }} as is_built,
        timestamp '{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as noted_at
    from {{ models_of_project()[stages()[stage].rebuilds].relation_name }}
    where is_rebuilt
    {%- endif -%}
{%- endmacro %}

{#-
    Where this is noted. Two stages may note something at the same time: on Spark each has a table of its
    own, because two inserts into one table of Parquet files take each other's files away.
-#}
{% macro log_of_builds(stage) -%}
    {{ return(api.Relation.create(
        database=target.database,
        schema='pipeline',
        identifier='rebuilds_' ~ stage if target.type == 'spark' else 'rebuilds',
    )) }}
{%- endmacro %}

{#-
    Before a run: makes the log. What is not a recorded build of everything leaves tables behind of
    which nobody knows what they were made from: then everything is forgotten.
-#}
{% macro begin_to_remember() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'seed') -%}
        {%- set logs = [] -%}
        {%- for stage in stages() -%}
            {%- do logs.append(log_of_builds(stage) | string) -%}
        {%- endfor -%}
        {%- do adapter.create_schema(log_of_builds('priced').without_identifier()) -%}
        {%- for log in logs | unique -%}
            {%- if not is_recorded_build() and flags.WHICH != 'seed' -%}
                {%- do run_query('drop table if exists ' ~ log) -%}
            {%- endif -%}
            {%- set create -%}
                create table if not exists {{ log }} (
                    stage {{ dbt.type_string() }},
                    period {{ dbt.type_string() }},
                    fingerprint {{ dbt.type_string() }},
                    is_built boolean,
                    noted_at timestamp
                )
                {%- if target.type == 'spark' %} using parquet{% endif %}
            {%- endset -%}
            {%- do run_query(create) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- After a run: if everything was built and every test passed, every stage's months are built. -#}
{% macro remember_what_was_built(results) -%}
    {%- set bad = [] -%}
    {%- for result in results if result.status | string not in ('success', 'pass', 'warn', 'no-op') -%}
        {%- do bad.append(result) -%}
    {%- endfor -%}
    {%- if execute and is_recorded_build() and not bad -%}
        {%- for node in models_of_project().values() if node.config.meta.rebuilds -%}
            {%- do run_query(note_rebuilds(node.config.meta.rebuilds, is_built=true)) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
