{#-
    A build of everything makes the tables of its months one month after the other, each as a build
    of only that month would: what a statement holds at a time is that of the largest month, not of
    all history, and a table's rows lie month by month, so that who reads a month later finds it
    without reading the others. While the statement of a month is written, it is the only one that
    `periods_to_rebuild` tells this node.
-#}
{% macro duckdb__create_table_as(
    temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none
) -%}
    {%- set stage = config.get('meta').stage if config.get('materialized') == 'by_period' else none -%}
    {%- set periods = all_periods(stage) if stage and not temporary else [] -%}
    {%- set statements = [] -%}
    {%- for period in periods -%}
        {%- do graph.update({'month of ' ~ model.unique_id: period}) -%}
        {%- set code = render(model.raw_code) -%}
        {%- if loop.first -%}
            {%- do statements.append(
                dbt.duckdb__create_table_as(temporary, relation, code, language, partitioned_by, sorted_by)
            ) -%}
        {%- else -%}
            {%- do statements.append('insert into ' ~ relation ~ ' by name\n' ~ code) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not statements -%}
        {{ return(dbt.duckdb__create_table_as(
            temporary, relation, compiled_code, language, partitioned_by, sorted_by
        )) }}
    {%- endif -%}
    {%- do graph.update({'month of ' ~ model.unique_id: none}) -%}
    {{ return(statements | join('\n;\n')) }}
{%- endmacro %}

{#-
    The months of a stage that makes all of them anew, one after the other. Empty where it makes
    some, where nobody knows them, because the model that does is not part of the run, where months
    depend on each other (`as_a_whole`), and where they are more than ten years: each costs a
    statement, and so many come from hours that somebody got wrong.
-#}
{% macro all_periods(stage) -%}
    {%- set periods = periods_of(stage) -%}
    {%- if periods is none or periods.rebuilt != periods.all
        or stages()[stage].as_a_whole or periods.all | length > 120 -%}
        {{ return([]) }}
    {%- endif -%}
    {{ return(periods.all) }}
{%- endmacro %}
