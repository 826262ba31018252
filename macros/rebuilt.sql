{#-
    The rows of a relation that belong to the months which this model's stage makes anew, or, for a
    test, the stage of the model that it tests: all of them in a build of everything. With `before` and
    `after` also those of so many hours around the months, with `also` those of single hours, and with
    `previous` those of the billing period before each.
-#}
{% macro rebuilt(relation, before=0, after=0, also=(), previous=false) -%}
    {%- set condition = rebuilt_condition(
        relation, before, after, also, previous, partition=partition_of(relation)
    ) -%}
    {%- if partition_of(relation) -%}
        (
            select * except ({{ partition_of(relation) }}) from {{ relation }}
            {%- if condition is not none %} where {{ condition }}{% endif %}
        )
    {%- elif condition is none -%}
        {{ relation }}
    {%- else -%}
        (select * from {{ relation }} where {{ condition }})
    {%- endif -%}
{%- endmacro %}

{#-
    The column that Spark keeps the months of a table apart by, for it and nobody else to read: see the
    materialization `by_period`. None where there is none.
-#}
{% macro partition_of(relation) -%}
    {%- if not execute or target.type != 'spark' -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set node = models_of_project().get(relation.identifier) -%}
    {{ return(node.config.partition_by if node else none) }}
{%- endmacro %}

{#-
    The condition by which `rebuilt` picks the rows; none if there is nothing to pick from, `false` if
    no month is made anew. Constants, so that an engine need not read what they rule out; with
    `partition`, the months of rows are such constants, too.
-#}
{% macro rebuilt_condition(
    relation, before=0, after=0, also=(), previous=false, column=none, partition=none
) -%}
    {%- set stage = stage_of_this_node() -%}
    {%- if not stage -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set node = models_of_project().get(relation.identifier) -%}
    {%- if not node or not node.config.meta.by -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set periods = periods_to_rebuild(stage) -%}
    {%- if periods is none and stages()[stage].as_a_whole and relation.identifier != this.identifier -%}
        {#- All of its months are few of those that others have. -#}
        {%- set known = periods_of(stage) -%}
        {%- set periods = known.all if known else none -%}
    {%- endif -%}
    {%- if periods is none -%}
        {{ return(none) }}
    {%- elif not periods -%}
        {{ return('false') }}
    {%- endif -%}

    {%- set goes_by_bill = node.config.meta.by == 'billing_period' -%}
    {%- set by = column or node.config.meta.by -%}
    {%- set conditions = [] -%}
    {%- if stages()[stage].clock == 'billing_period' -%}
        {%- if goes_by_bill -%}
            {%- set rows_of = with_previous(periods) if previous else periods -%}
            {%- do conditions.append(is_in_periods(by, rows_of)) -%}
        {%- else -%}
            {%- set months = other_months('usage_month', 'billing_period', periods) -%}
            {%- set rows_of = months_around(months, before, after, also) -%}
            {%- do conditions.append(is_in_months(by, months, before, after, also)) -%}
        {%- endif -%}
    {%- else -%}
        {%- set rows_of = months_around(periods, before, after, also) -%}
        {%- if goes_by_bill -%}
            {%- set rows_of = other_months('billing_period', 'usage_month', periods) -%}
            {%- do conditions.append(is_in_periods('billing_period', rows_of)) -%}
        {%- endif -%}
        {%- do conditions.append(is_in_months('usage_hour' if goes_by_bill else by, periods, before, after, also)) -%}
    {%- endif -%}
    {%- if partition -%}
        {%- do conditions.append(is_in_periods(partition, rows_of)) -%}
    {%- endif -%}
    {{ return(conditions | join(' and ')) }}
{%- endmacro %}

{#- Whether a row of this model belongs to a month that is made anew, or to so many hours around it. -#}
{% macro is_rebuilt(column=none, before=0, after=0) -%}
    {{ return(rebuilt_condition(this, before, after, column=column) or 'true') }}
{%- endmacro %}

{#- The stage of the node that is being compiled, or tested; none for what belongs to no stage. -#}
{% macro stage_of_this_node() -%}
    {%- if not execute or model.resource_type not in ('model', 'test') -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set attached_to = (model.get('attached_node') or '').rpartition('.')[2] -%}
    {%- set node = models_of_project().get(attached_to, model) -%}
    {{ return(node.config.meta.stage if node.config.meta else none) }}
{%- endmacro %}

{#-
    The months that a stage makes anew: none for all of them. To a node that makes all of them one
    after the other it is the month whose statement is being written; see `duckdb__create_table_as`.
-#}
{% macro periods_to_rebuild(stage) -%}
    {%- set month = graph.get('month of ' ~ model.unique_id) -%}
    {%- if month -%}
        {{ return([month]) }}
    {%- endif -%}
    {%- set periods = periods_of(stage) -%}
    {{ return(none if periods is none or periods.rebuilt == periods.all else periods.rebuilt) }}
{%- endmacro %}

{#-
    The months of a stage, {all, rebuilt}, in order. None where they are not known, because the model
    that knows is not part of this run: a part of the project that is built on its own is built whole.
-#}
{% macro periods_of(stage) -%}
    {%- set node = models_of_project()[stages()[stage].rebuilds] -%}
    {%- if node.unique_id not in selected_resources or not is_recorded_build() -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set known = 'months of ' ~ stage -%}
    {%- if known not in graph -%}
        {%- set rows = run_query(
            'select period, is_rebuilt from ' ~ node.relation_name ~ ' order by period'
        ).rows -%}
        {%- do graph.update({known: {
            'all': rows | map(attribute=0) | list,
            'rebuilt': rows | selectattr(1) | map(attribute=0) | list,
        }}) -%}
    {%- endif -%}
    {{ return(graph[known]) }}
{%- endmacro %}

{#- The months of one clock that charges share with months of the other. -#}
{% macro other_months(wanted, known, periods) -%}
    {%- if not periods -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set rows = run_query(
        'select distinct ' ~ wanted ~ ' from '
        ~ models_of_project().int_period_months.relation_name
        ~ ' where ' ~ is_in_periods(known, periods) ~ ' order by ' ~ wanted
    ).rows -%}
    {{ return(rows | map(attribute=0) | list) }}
{%- endmacro %}

{#- These billing periods, and the one before each that there are charges for. -#}
{% macro with_previous(periods) -%}
    {%- set known = run_query(
        'select distinct billing_period from '
        ~ models_of_project().int_period_months.relation_name
        ~ ' order by billing_period'
    ).rows | map(attribute=0) | list -%}
    {%- set wanted = [] -%}
    {%- for period in periods -%}
        {%- do wanted.extend((known | select('lt', period) | list)[-1:]) -%}
        {%- do wanted.append(period) -%}
    {%- endfor -%}
    {{ return(wanted | unique | list) }}
{%- endmacro %}

{#-
    Whether a billing period is one of these. Those next to each other become one span: what lies
    between two constants DuckDB sorts out while it scans, on both sides of a join, and what is one
    of several only afterwards.
-#}
{% macro is_in_periods(column, periods) -%}
    {%- set spans = [] -%}
    {%- for period in periods | sort -%}
        {%- if spans and month_after(spans[-1][1]) == period -%}
            {%- do spans.append((spans.pop()[0], period)) -%}
        {%- else -%}
            {%- do spans.append((period, period)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set conditions = [] -%}
    {%- for first, last in spans -%}
        {%- do conditions.append(column ~ " between '" ~ first ~ "' and '" ~ last ~ "'") -%}
    {%- endfor -%}
    {{ return('(' ~ conditions | join(' or ') ~ ')' if conditions else 'false') }}
{%- endmacro %}

{% macro month_after(month) -%}
    {%- set starts = modules.datetime.datetime.strptime(month ~ '-01', '%Y-%m-%d') -%}
    {{ return((starts + modules.datetime.timedelta(days=32)).strftime('%Y-%m')) }}
{%- endmacro %}

{#-
    Whether a time is in one of the months, so many hours before or after them, or one of the hours
    `also`; months next to each other become one span.
-#}
{% macro is_in_months(column, months, before=0, after=0, also=()) -%}
    {%- set hours = modules.datetime.timedelta(hours=1) -%}
    {%- set spans = [] -%}
    {%- for month in months -%}
        {%- set starts = modules.datetime.datetime.strptime(month ~ '-01', '%Y-%m-%d') -%}
        {%- set ends = (starts + 32 * 24 * hours).replace(day=1) + after * hours -%}
        {%- if spans and spans[-1][1] >= starts - before * hours -%}
            {%- do spans.append((spans.pop()[0], ends)) -%}
        {%- else -%}
            {%- do spans.append((starts - before * hours, ends)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set conditions = [] -%}
    {%- for starts, ends in spans -%}
        {%- do conditions.append(
            column ~ " >= timestamp '" ~ starts ~ "' and " ~ column ~ " < timestamp '" ~ ends ~ "'"
        ) -%}
    {%- endfor -%}
    {%- if also -%}
        {%- do conditions.append(column ~ " in (timestamp '" ~ also | join("', timestamp '") ~ "')") -%}
    {%- endif -%}
    {{ return('(' ~ conditions | join(' or ') ~ ')' if conditions else 'false') }}
{%- endmacro %}

{#- The months that these months, so many hours before and after them, and the hours `also` are in. -#}
{% macro months_around(months, before=0, after=0, also=()) -%}
    {%- set hours = modules.datetime.timedelta(hours=1) -%}
    {%- set around = [] -%}
    {%- for month in months -%}
        {%- set starts = modules.datetime.datetime.strptime(month ~ '-01', '%Y-%m-%d') -%}
        {%- set length = before + ((starts + 32 * 24 * hours).replace(day=1) - starts) // hours + after -%}
        {%- for passed in range(0, length, 28 * 24) | list + [length - 1] -%}
            {%- do around.append((starts + (passed - before) * hours).strftime('%Y-%m')) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for hour in also -%}
        {%- do around.append((hour | string)[:7]) -%}
    {%- endfor -%}
    {{ return(around | unique | sort) }}
{%- endmacro %}

{#- dbt's own hook for what a generic test reads: the months that were made anew. -#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where') -%}
    {%- if where -%}
        {{ return('(select * from ' ~ rebuilt(relation) ~ ' where ' ~ where ~ ')') }}
    {%- endif -%}
    {{ return(rebuilt(relation)) }}
{%- endmacro %}
