-- The parts of every platform's spend that were split more than once, at all levels.
{{ config(materialized='view') }}

{% for level in range(2, deepest_level() + 1) %}
    select
        *,
        {{ level }} as level
    from {{ ref('int_parts_level_' ~ level) }}
    {{ 'union all' if not loop.last }}
{% endfor %}
