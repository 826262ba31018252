{#-
    Before the seeds of the demo company are loaded: they are only for the bill that `infraspend
    simulate` writes. That bill is recognised by the names of its reports, and by its payer, a
    number that AWS does not assign.
-#}
{% macro refuse_demo_seeds() -%}
    {%- set loaded = [] -%}
    {%- for node in (graph.nodes.values() if execute else []) if node.resource_type == 'seed' -%}
        {%- set path = node.original_file_path | replace('./', '') -%}
        {%- set link = '.infraspend/seeds-' ~ local_md5(node.root_path ~ '/seeds') ~ '/' -%}
        {%- if node.package_name == 'infraspend' and node.unique_id in selected_resources
            and not var('has_own_seeds', false)
            and (path.startswith('seeds/') or path.startswith(link)) -%}
            {%- do loaded.append(path) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set bill = adapter.get_relation(target.database or none, 'raw_aws_cur', 'assemblies') if loaded -%}
    {%- set totals = adapter.get_relation(target.database or none, 'raw_aws_cur', 'control_totals') if bill -%}
    {%- set focus = adapter.get_relation(target.database or none, 'raw_focus', 'statements') if loaded -%}
    {%- if focus and run_query('select provider from ' ~ focus ~ ' limit 1').rows or totals and run_query(
        "select report from " ~ bill ~ " where report not in ('demo-hourly', 'demo-daily', 'demo-cur2')"
        ~ " union all select payer_account_id from " ~ totals
        ~ " where payer_account_id <> '111122223333' limit 1"
    ).rows -%}
        {%- do exceptions.raise_compiler_error(
            'the seeds of the demo company (' ~ loaded[0] ~ ', ...) are only for the bill that `infraspend simulate`'
            ~ ' writes, and this warehouse has another: name the directory of your own in INFRASPEND_SEEDS,'
            ~ ' or build with `infraspend build --seeds DIR`'
        ) -%}
    {%- endif -%}
{%- endmacro %}
