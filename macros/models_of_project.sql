{#-
    The models of this project by name, as dbt's graph describes them. Hundreds of nodes ask for some,
    and the graph describes one anew whenever it is looked up. It is also the only thing that the
    nodes of a run share: it keeps the descriptions, like whatever is asked for once in a run.
-#}
{% macro models_of_project() -%}
    {%- if 'models of project' not in graph -%}
        {%- set models = {} -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and node.package_name == project_name -%}
            {%- do models.update({node.name: node}) -%}
        {%- endfor -%}
        {%- do graph.update({'models of project': models}) -%}
    {%- endif -%}
    {{ return(graph['models of project']) }}
{%- endmacro %}
