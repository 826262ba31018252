-- The cost models: the resources that each measures, and what a label weighs by it. A resource is
-- also a cost model, which measures it alone. Usage and schedules that owners publish are measured
-- in their own units.
{{ config(materialized='view') }}

{#
    Cost model -> what a label weighs by, and the resources: the amount of one resource, the largest
    share of any, all at their price, or that it was present.
#}
{% set requested = requested_resources().keys() | list %}
{% set of_clusters = {
    'max': ('largest_share', requested),
    'weighted': ('price', requested),
    'storage': ('amount', ['storage']),
    'even': ('presence', ['pods']),
} %}
{% for resource in kubernetes_resources() %}
    {% do of_clusters.update({resource: ('amount', [resource])}) %}
{% endfor %}
{% set of_owners = {
    'usage': ('amount', ['usage']),
    'even': ('presence', ['usage']),
    'fixed': ('amount', ['usage']),
} %}

{% for schedule_source, cost_models in {
    'kubernetes': of_clusters, 'pushed': of_owners, 'ready_made': of_owners
}.items() %}
    {% set is_last_source = loop.last %}
    {% for cost_model, (weighs_by, measured) in cost_models.items() %}
        {% set is_last_model = loop.last %}
        {% for resource in measured %}
            select
                '{{ schedule_source }}' as schedule_source,
                '{{ cost_model }}' as cost_model,
                '{{ resource }}' as resource,
                '{{ weighs_by }}' as weighs_by,
                {{ price_of_resource(resource) if weighs_by == 'price' else 1 }} as price
            {{ 'union all' if not (is_last_source and is_last_model and loop.last) }}
        {% endfor %}
    {% endfor %}
{% endfor %}
