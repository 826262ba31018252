{#-
    For data tests: the rows of a model that belong to the months which the last builds refreshed. All of
    its rows in `dbt test`, if something that the test reads was built in full and not proven since,
    and where this project is a package of another: dbt calls only the main project's
    get_where_subquery.
-#}
{% macro refreshed(relation, column=none) -%}
    {%- set is_test = execute and model.resource_type == 'test' and project_name == 'infraspend' -%}
    {%- set column = (column or month_column_of(relation)) if is_test else none -%}
    {%- if not column or reads_what_was_built_in_full() -%}
        {{ return(relation) }}
    {%- endif -%}
    {%- set months = run_query(
        'select month from ' ~ list_of_months() ~ ' where why is not null order by month'
    ).columns[0].values() | list -%}
    {{ return('(select * from ' ~ relation ~ ' where ' ~ is_in_months(column, months) ~ ')') }}
{%- endmacro %}

{#- dbt's own hook for what a generic test reads. -#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where') -%}
    {{ return(
        '(select * from ' ~ refreshed(relation) ~ ' where ' ~ where ~ ')' if where else refreshed(relation)
    ) }}
{%- endmacro %}

{#- The column with the month of a row; none where a test has to read all rows. -#}
{% macro month_column_of(relation) -%}
    {%- for id in model.depends_on.nodes if id in graph.nodes -%}
        {%- set node = graph.nodes[id] -%}
        {%- if node.alias == relation.identifier and node.schema == relation.schema -%}
            {{ return(node.config.meta.month or node.config.unique_key) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(none) }}
{%- endmacro %}

{% macro reads_what_was_built_in_full() -%}
    {%- if flags.WHICH == 'test' or not list_of_months() -%}
        {{ return(true) }}
    {%- endif -%}
    {{ return(run_query(
        "select count(*) from pipeline.results where is_full and node in ('"
        ~ model.depends_on.nodes | join("', '") ~ "') and run > ("
        ~ 'select coalesce(max(run), 0) from pipeline.built_months where is_done)'
    ).rows[0][0] > 0) }}
{%- endmacro %}

{#- Constants, so that an engine can prune what it reads. -#}
{% macro is_in_months(column, months) -%}
    {%- set conditions = [] -%}
    {%- for month in months -%}
        {%- if column == 'usage_hour' -%}
            {%- set starts_at = "timestamp '" ~ month ~ "-01 00:00:00'" -%}
            {%- do conditions.append(
                '(usage_hour >= ' ~ starts_at ~ ' and usage_hour < ' ~ starts_at ~ " + interval '1' month)"
            ) -%}
        {%- else -%}
            {%- do conditions.append(column ~ " = '" ~ month ~ "'") -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return('(' ~ conditions | join(' or ') ~ ')' if conditions else 'false') }}
{%- endmacro %}
