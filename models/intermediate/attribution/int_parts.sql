-- The parts of every platform's spend that were split more than once, at all levels.
{{ config(materialized='view', meta={'month': 'usage_month'}) }}

{% for level in range(2, deepest_level() + 1) %}
    select
        {{ level }} as level,
        usage_month,
        usage_hour,
        interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        via_labels,
        via,
        passed,
        label_before,
        last_platform,
        last_sub_platform,
        last_cost_model,
        is_served,
        is_measured,
        lyft_label,
        goes_back,
        next_platform,
        next_sub_platform,
        next_cost_model,
        is_a_circle,
        proportion,
        basis_rank
    from {{ ref('int_parts_level_' ~ level) }}
    {{ 'union all' if not loop.last }}
{% endfor %}
