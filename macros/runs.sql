{#-
    The record of what was built and tested, whoever started dbt. `pipeline.results` has two rows for
    every node that a run selects: one from before the run and one with its result, so that a run
    that was killed is noticed. Runs are numbered, because a clock can be set back.
    `pipeline.unproven` lists the nodes that keep the marts from being published, and why;
    `pipeline.built_months` records what every month was built from.
-#}

{#- on-run-start: records what is about to be built or tested, and drops the tables of edited models. -#}
{% macro begin_run() -%}
    {%- if execute and is_recorded_run() -%}
        {%- do create_records() -%}
        {%- set nodes = recorded_nodes() -%}
        {%- set last = last_builds() -%}
        {%- set full = {} -%}
        {%- for id in selected_resources if id in nodes -%}
            {%- do is_built_in_full(id, nodes, last, full) -%}
        {%- endfor -%}
        {%- set rows = [] -%}
        {%- for id, node in nodes.items() if id in selected_resources -%}
            {%- if full[id] and node.materialized == 'incremental' and flags.WHICH != 'test' -%}
                {%- do drop_edited(node) -%}
            {%- endif -%}
            {%- do rows.append((id, 'started', full[id] | string | lower, node.code)) -%}
        {%- endfor -%}
        {%- do replace_nodes(nodes) -%}
        {%- do add_results(rows) -%}
        {%- do replace_table('unproven', unproven_nodes()) -%}
    {%- endif -%}
{%- endmacro %}

{#- on-run-end: records the results and, if nothing is left to prove, what the months were built from. -#}
{% macro end_run(results) -%}
    {%- if execute and is_recorded_run() -%}
        {%- set rows = [] -%}
        {%- for result in results if result.node.resource_type in recorded_types() -%}
            {%- set status = 'empty' if flags.EMPTY else result.status | string -%}
            {%- do rows.append((result.node.unique_id, status, 'false', '')) -%}
        {%- endfor -%}
        {%- do add_results(rows) -%}
        {%- do replace_table('unproven', unproven_nodes()) -%}
        {%- set months = list_of_months() -%}
        {%- if months and run_query('select count(*) from pipeline.unproven').rows[0][0] == 0 -%}
            {%- do note_months(months, is_done=true) -%}
            {{ forget_old_results() }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Records that the listed months are begun, or what all months were built from. -#}
{% macro note_months(months, is_done) -%}
    {%- do run_query(
        'insert into pipeline.built_months select ' ~ number_of_this_run()
        ~ ', month, fingerprint_of_bill, fingerprint_of_usage, fingerprint_of_facts, '
        ~ (is_done | string | lower) ~ ' from ' ~ months
        ~ ('' if is_done else ' where why is not null')
    ) -%}
{%- endmacro %}

{#- The table of what the months were built from; none if nothing was ever built. -#}
{% macro built_months() -%}
    {{ return(adapter.get_relation(target.database or none, 'pipeline', 'built_months') if execute else none) }}
{%- endmacro %}

{#- The table of the model `months`; none if it was never built. -#}
{% macro list_of_months() -%}
    {%- set node = graph.nodes.get('model.infraspend.months') -%}
    {{ return(adapter.get_relation(node.database, node.schema, node.alias) if node else none) }}
{%- endmacro %}

{#- Whether the command builds or tests anything. -#}
{% macro is_recorded_run() -%}
    {{ return(flags.WHICH in ('build', 'run', 'seed', 'snapshot', 'test', 'clone', 'retry')) }}
{%- endmacro %}

{% macro recorded_types() -%}
    {{ return(('model', 'seed', 'snapshot', 'test')) }}
{%- endmacro %}

{% macro number_of_this_run() -%}
    {{ return(
        "(select max(run) from pipeline.results where invocation_id = '" ~ invocation_id ~ "')"
    ) }}
{%- endmacro %}

{#- Every node that can be built or tested, with its code: a hash of its file and of the variables. -#}
{% macro recorded_nodes() -%}
    {%- set variables = tojson([
        var('true_cost_pooling'), var('unused_commitment'), var('resource_weights'), var('compared_days'),
        var('carry_columns'), var('spread_marketplace'), var('focus')
    ]) -%}
    {%- set nodes = {} -%}
    {%- for node in graph.nodes.values()
        if node.resource_type in recorded_types() and node.config.materialized != 'ephemeral'
        and node.config.enabled -%}
        {%- set text = node.checksum.checksum if node.resource_type == 'model' else '' -%}
        {%- do nodes.update({node.unique_id: {
            'type': node.resource_type,
            'materialized': node.config.materialized,
            'database': node.database,
            'schema': node.schema,
            'alias': node.alias,
            'parents': (node.depends_on or {}).get('nodes', []),
            'code': local_md5(text ~ variables) if text else '',
        }}) -%}
    {%- endfor -%}
    {{ return(nodes) }}
{%- endmacro %}

{#- The last build of every node: {code, full_run}; full_run is the last run that built all of its months. -#}
{% macro last_builds() -%}
    {%- set builds = {} -%}
    {%- set rows = run_query(
        "select started.node, started.run, started.is_full, started.code"
        ~ " from pipeline.results as started"
        ~ " inner join pipeline.results as ended"
        ~ " on started.run = ended.run and started.node = ended.node"
        ~ " where started.status = 'started' and ended.status = 'success'"
        ~ " order by started.run"
    ).rows -%}
    {%- for node, run, is_full, code in rows -%}
        {%- set before = builds.get(node, {'full_run': 0}) -%}
        {%- do builds.update({node: {'code': code, 'full_run': run if is_full else before.full_run}}) -%}
    {%- endfor -%}
    {{ return(builds) }}
{%- endmacro %}

{#-
    Whether this run builds a node with all of its months: it is new, it was edited, or something
    that it reads was built in full since. Cached in `full`.
-#}
{% macro is_built_in_full(id, nodes, last, full) -%}
    {%- if id not in nodes or id not in selected_resources or nodes[id].type == 'test' -%}
        {%- do full.update({id: false}) -%}
    {%- elif id not in full -%}
        {%- set node = nodes[id] -%}
        {%- set before = last.get(id) -%}
        {%- set found = namespace(
            is_full=flags.FULL_REFRESH or before is none or before.code != node.code or (
                node.materialized == 'incremental'
                and not adapter.get_relation(node.database, node.schema, node.alias)
            )
        ) -%}
        {%- for parent in node.parents if not found.is_full -%}
            {%- set found.is_full = (
                is_built_in_full(parent, nodes, last, full)
                or last.get(parent, {'full_run': 0}).full_run > before.full_run
            ) -%}
        {%- endfor -%}
        {%- do full.update({id: found.is_full}) -%}
    {%- endif -%}
    {{ return(full[id]) }}
{%- endmacro %}

{#- Drops the table of an edited model, so that dbt rebuilds it. -#}
{% macro drop_edited(node) -%}
    {%- set relation = adapter.get_relation(node.database, node.schema, node.alias) -%}
    {%- if relation and not flags.FULL_REFRESH -%}
        {%- do adapter.drop_relation(relation) -%}
    {%- endif -%}
{%- endmacro %}

{% macro create_records() -%}
    {%- set text = dbt.type_string() -%}
    {%- set using = ' using parquet' if target.type == 'spark' else '' -%}
    {%- do adapter.create_schema(api.Relation.create(database=target.database or none, schema='pipeline')) -%}
    {%- do run_query(
        'create table if not exists pipeline.results (run bigint, invocation_id ' ~ text ~ ', node '
        ~ text ~ ', status ' ~ text ~ ', is_full boolean, code ' ~ text ~ ', noted_at timestamp)' ~ using
    ) -%}
    {%- do run_query(
        'create table if not exists pipeline.built_months (run bigint, month ' ~ text
        ~ ', fingerprint_of_bill ' ~ text ~ ', fingerprint_of_usage ' ~ text
        ~ ', fingerprint_of_facts ' ~ text ~ ', is_done boolean)' ~ using
    ) -%}
{%- endmacro %}

{#- The project as it is now: one row per node and node that it reads. -#}
{% macro replace_nodes(nodes) -%}
    {%- set rows = [] -%}
    {%- for id, node in nodes.items() -%}
        {%- set parents = node.parents | select('in', nodes) | list -%}
        {%- for parent in parents or [''] -%}
            {%- do rows.append(
                "('" ~ [id, node.type, node.schema, node.alias, parent] | join("', '") ~ "')"
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do replace_table(
        'nodes',
        'select * from (values ' ~ rows | join(', ')
        ~ ') as rows (node, resource_type, schema_name, name, parent)'
    ) -%}
{%- endmacro %}

{% macro replace_table(name, query) -%}
    {%- do run_query('drop table if exists pipeline.' ~ name) -%}
    {%- do run_query(
        'create table pipeline.' ~ name ~ (' using parquet' if target.type == 'spark' else '')
        ~ ' as ' ~ query
    ) -%}
{%- endmacro %}

{% macro add_results(rows) -%}
    {%- set values = [] -%}
    {%- for node, status, is_full, code in rows -%}
        {%- do values.append("('" ~ node ~ "', '" ~ status ~ "', " ~ is_full ~ ", '" ~ code ~ "')") -%}
    {%- endfor -%}
    {%- if values -%}
        {%- do run_query(
            'insert into pipeline.results select coalesce(' ~ number_of_this_run()
            ~ ", (select coalesce(max(run), 0) + 1 from pipeline.results)), '" ~ invocation_id
            ~ "', node, status, is_full, code, timestamp '"
            ~ modules.datetime.datetime.utcnow().strftime('%Y-%m-%d %H:%M:%S') ~ "'"
            ~ ' from (values ' ~ values | join(', ') ~ ') as rows (node, status, is_full, code)'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#-
    A node is proven if its last run ended well and nothing that it reads was built since. A node
    that a run skipped keeps its state.
-#}
{% macro unproven_nodes() -%}
with

of_runs as (
    select
        node,
        run,
        max(case when status <> 'started' then status end) as status
    from pipeline.results
    group by node, run
),

newest_first as (
    select
        node,
        run,
        status,
        row_number() over (partition by node order by run desc) as age
    from of_runs
    where coalesce(status, '') <> 'skipped'
),

latest as (
    select
        node,
        run,
        status
    from newest_first
    where age = 1
),

problems as (
    select
        nodes.node,
        case
            when latest.node is null and nodes.resource_type = 'test' then 'it has never run'
            when latest.node is null then 'it was never built'
            when latest.status is null then 'the run that began it did not end'
            when latest.status not in ('success', 'pass', 'warn', 'no-op')
                then concat('its last run ended with: ', latest.status)
        end as why
    from pipeline.nodes as nodes
    left join latest on nodes.node = latest.node
    union all
    select
        nodes.node,
        concat('it is older than what it reads: ', nodes.parent) as why
    from pipeline.nodes as nodes
    inner join latest on nodes.node = latest.node
    inner join latest as of_parent on nodes.parent = of_parent.node
    where of_parent.run > latest.run
)

select
    node,
    min(why) as why
from problems
where why is not null
group by node
{%- endmacro %}

{#- Once everything is proven, only the last run of each node matters. -#}
{% macro forget_old_results() -%}
    {{ return(adapter.dispatch('forget_old_results', 'infraspend')()) }}
{%- endmacro %}

{% macro duckdb__forget_old_results() -%}
    {%- do run_query(
        'delete from pipeline.results where run < (select min(last_run) from ('
        ~ 'select max(run) as last_run from pipeline.results'
        ~ ' where node in (select node from pipeline.nodes) group by node) as last_runs)'
    ) -%}
    {%- do run_query(
        'delete from pipeline.built_months where run < (select max(run) from pipeline.built_months)'
    ) -%}
{%- endmacro %}

{#- A table of Parquet files loses rows only with the table. -#}
{% macro spark__forget_old_results() -%}
    {%- set kept = {
        'results': ' where run >= (select min(last_run) from (select max(run) as last_run'
        ~ ' from pipeline.results where node in (select node from pipeline.nodes) group by node))',
        'built_months': ' where run >= (select max(run) from pipeline.built_months)',
    } -%}
    {%- for name, condition in kept.items() -%}
        {%- do replace_table(name ~ '_kept', 'select * from pipeline.' ~ name ~ condition) -%}
        {%- do run_query('drop table pipeline.' ~ name) -%}
        {%- do run_query('alter table pipeline.' ~ name ~ '_kept rename to pipeline.' ~ name) -%}
    {%- endfor -%}
{%- endmacro %}
