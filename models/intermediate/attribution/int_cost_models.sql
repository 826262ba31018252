-- The resources that every cost model measures. A cluster's cpu, memory, gpu and storage have a
-- capacity; traffic and pods have none. Usage and schedules that owners publish are measured in
-- their own units.
{{ config(materialized='view') }}

{% set resources = {
    'kubernetes': {
        'cpu': ['cpu'],
        'memory': ['memory'],
        'gpu': ['gpu'],
        'max': ['cpu', 'memory', 'gpu'],
        'weighted': ['cpu', 'memory', 'gpu'],
        'storage': ['storage'],
        'network': ['network'],
        'even': ['pods'],
    },
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
