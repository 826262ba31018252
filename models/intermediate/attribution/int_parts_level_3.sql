-- The parts that level 2 hands on, split again.

with

below as (
    select
        usage_hour,
        interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        concat(via_labels, ' > ', lyft_label) as via_labels,
        concat(
            via, ' > ', last_platform, ': ', last_sub_platform, ' (all, ', last_cost_model, ')'
        ) as via,
        concat(passed, next_platform, ': ', next_sub_platform, ' > ') as passed,
        lyft_label as label_before,
        next_platform as last_platform,
        next_sub_platform as last_sub_platform,
        next_cost_model as last_cost_model,
        proportion,
        basis_rank
    from {{ ref('int_parts_level_2') }}
    where next_platform is not null and not is_a_circle
),

{{ next_level() }}
