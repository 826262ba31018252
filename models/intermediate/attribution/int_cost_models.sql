-- The cost models, and the resources that each measures. A resource is also a cost model, which
-- measures it alone. Usage and schedules that owners publish are measured in their own units.
{{ config(materialized='view') }}

{% set of_clusters = {
    'max': requested_resources().keys() | list,
    'weighted': requested_resources().keys() | list,
    'storage': ['storage'],
    'even': ['pods'],
} %}
{% for resource in kubernetes_resources() %}
    {% do of_clusters.update({resource: [resource]}) %}
{% endfor %}
{% set resources = {
    'kubernetes': of_clusters,
    'pushed': {'usage': ['usage'], 'even': ['usage'], 'fixed': ['usage']},
    'ready_made': {'usage': ['usage'], 'even': ['usage'], 'fixed': ['usage']},
} %}

{% for schedule_source, cost_models in resources.items() %}
    {% set is_last_source = loop.last %}
    {% for cost_model, measured in cost_models.items() %}
        {% set is_last_model = loop.last %}
        {% for resource in measured %}
            select
                '{{ schedule_source }}' as schedule_source,
                '{{ cost_model }}' as cost_model,
                '{{ resource }}' as resource
            {{ 'union all' if not (is_last_source and is_last_model and loop.last) }}
        {% endfor %}
    {% endfor %}
{% endfor %}
