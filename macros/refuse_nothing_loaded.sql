{#- on-run-start: stops with one line of advice if nothing was loaded, instead of failing in every model. -#}
{% macro refuse_nothing_loaded() -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set loads = [] -%}
        {%- for source in graph.sources.values()
            if source.package_name == 'infraspend' and source.name == '_dlt_loads' -%}
            {%- set relation = adapter.get_relation(source.database, source.schema, source.identifier) -%}
            {%- if relation and run_query('select 1 from ' ~ relation ~ ' limit 1').rows -%}
                {%- do loads.append(relation) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if not loads and graph.sources -%}
            {%- do exceptions.raise_compiler_error(
                'Nothing was loaded yet in ' ~ (target.path or target.name)
                ~ '. Load a bill first: infraspend load aws-cur --from DIR'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
