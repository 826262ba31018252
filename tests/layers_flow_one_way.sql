-- A model reads its own layer or an earlier one, never a later one, and only staging reads a
-- source. A seed whose rows need no defaults is read where it is used. The list of months
-- (models/pipeline) is beside the layers: any may go by it.

{% set layers = ['staging', 'intermediate', 'marts'] -%}
{%- set backward = [] -%}

{%- if execute -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'model'
        and node.package_name == model.package_name
        and node.fqn[1] in layers -%}
        {%- for parent_id in node.depends_on.nodes -%}
            {%- set parent = graph.nodes.get(parent_id) -%}
            {%- if parent is none -%}
                {%- if node.fqn[1] != 'staging' -%}
                    {%- do backward.append((node.name, parent_id)) -%}
                {%- endif -%}
            {%- elif parent.resource_type == 'model' and parent.fqn[1] in layers
                and layers.index(parent.fqn[1]) > layers.index(node.fqn[1]) -%}
                {%- do backward.append((node.name, parent.name)) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endif %}

{% for child, parent in backward %}
    select
        {{ sql_text(child) }} as child,
        {{ sql_text(parent) }} as parent
    {{ 'union all' if not loop.last }}
{% else %}
    select
        null as child,
        null as parent
    where false
{% endfor %}
