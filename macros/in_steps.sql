{#-
    Spark has no way to keep a common table expression: it computes one anew wherever it is named, with
    all that it is made of, so that a few that build on each other become a query of thousands of joins,
    too large to plan. On Spark a table is therefore made in steps: what would be read too often is
    written to a table of its own first (schema `steps`, dropped after the run). The models stay as they
    are.
-#}
{% macro spark__create_table_as(temporary, relation, compiled_code, language='sql') -%}
    {%- if language == 'sql' and not temporary -%}
        {%- set compiled_code = in_steps(relation, compiled_code) -%}
    {%- endif -%}
    {{ return(dbt.spark__create_table_as(temporary, relation, compiled_code, language)) }}
{%- endmacro %}

{#- Makes the steps, and returns the query that reads them. -#}
{% macro in_steps(relation, query) -%}
    {%- set often = 8 -%}
    {%- set parts = parts_of_query(query) -%}
    {%- set reads = {} -%}
    {%- set before = [] -%}
    {%- for cte in parts.ctes -%}
        {%- set following = parts.ctes[loop.index:] | map(attribute='body') | list + [parts.rest] -%}
        {%- set times_read = relations_read_by(following | join('\n')).count(cte.name) -%}
        {%- set cost = namespace(relations=0) -%}
        {%- for name in relations_read_by(cte.body) -%}
            {%- set cost.relations = cost.relations + reads.get(name, 1) -%}
        {%- endfor -%}
        {%- if times_read > 1 and cost.relations > 1 and times_read * cost.relations > often -%}
            {%- set step = 'steps.' ~ relation.identifier ~ '__' ~ cte.name -%}
            {%- do run_query('create schema if not exists steps') -%}
            {%- do run_query('drop table if exists ' ~ step) -%}
            {%- do run_query('create table ' ~ step ~ ' as\n' ~ with_ctes(before, cte.body)) -%}
            {%- do reads.update({cte.name: 1}) -%}
            {%- do before.append({'name': cte.name, 'body': 'select * from ' ~ step}) -%}
        {%- else -%}
            {%- do reads.update({cte.name: cost.relations}) -%}
            {%- do before.append(cte) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(with_ctes(before, parts.rest)) }}
{%- endmacro %}

{#- The names that a query reads from: tables, views and common table expressions. -#}
{% macro relations_read_by(query) -%}
    {{ return(modules.re.findall('(?i)\\b(?:from|join)\\s+([\\w.`]+)', query)) }}
{%- endmacro %}

{% macro with_ctes(ctes, rest) -%}
    {%- set parts = [] -%}
    {%- for cte in ctes -%}
        {%- do parts.append(cte.name ~ ' as (' ~ cte.body ~ ')') -%}
    {%- endfor -%}
    {{ return(('with ' ~ parts | join(',\n') ~ '\n' if parts else '') ~ rest) }}
{%- endmacro %}

{#- Takes a query apart: {ctes: [{name, body}], rest}, without comments. -#}
{% macro parts_of_query(query) -%}
    {%- set tokens = modules.re.findall(
        "--[^\\n]*|r'[^']*'|'(?:\\\\.|[^'\\\\])*'|[()]|[^()'r-]+|.", query, modules.re.DOTALL
    ) -%}
    {%- set ctes = [] -%}
    {%- set at = namespace(depth=0, text='', name=none, is_rest=false) -%}
    {%- for token in tokens if not token.startswith('--') -%}
        {%- if at.is_rest -%}
            {%- set at.text = at.text ~ token -%}
        {%- elif token == '(' and at.depth == 0 -%}
            {%- set header = modules.re.fullmatch('(?is)\\s*(?:with|,)\\s+(\\w+)\\s+as\\s*', at.text) -%}
            {%- set at.is_rest = header is none -%}
            {%- set at.name = header.group(1) if header else none -%}
            {%- set at.text = '' if header else at.text ~ token -%}
            {%- set at.depth = 1 -%}
        {%- elif token == ')' and at.depth == 1 -%}
            {%- do ctes.append({'name': at.name, 'body': at.text}) -%}
            {%- set at.depth = 0 -%}
            {%- set at.text = '' -%}
        {%- else -%}
            {%- set at.depth = at.depth + (1 if token == '(' else -1 if token == ')' else 0) -%}
            {%- set at.text = at.text ~ token -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return({'ctes': ctes, 'rest': at.text}) }}
{%- endmacro %}

{#- After a run: nobody reads the steps again. -#}
{% macro drop_steps() -%}
    {%- if target.type == 'spark' and execute -%}
        drop schema if exists steps cascade
    {%- endif -%}
{%- endmacro %}
