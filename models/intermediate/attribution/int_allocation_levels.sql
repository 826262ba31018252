-- Step-down allocation, for platforms on platforms. Level 1 is the schedule that splits a charge,
-- of its hour or of its interval. The part of a label that belongs to another platform is allocated
-- again, at the next level, over that platform's own schedule for its whole sub-platform. A part's
-- ten-billionths are allocated, so that they add up to it exactly, and money is multiplied once, at
-- the end.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

{% set schedule = [
    'usage_hour', 'interval_hours', 'platform', 'sub_platform', 'capacity_pool', 'cost_model'
] %}
{% set path = [
    'via_labels', 'via', 'passed', 'label_before', 'last_platform', 'last_sub_platform',
    'last_capacity_pool', 'last_cost_model'
] %}
{% set part = ['is_served', 'is_measured', 'lyft_label', 'goes_back', 'basis_rank'] %}

with

schedules as (
    select
        usage_hour,
        cast(1 as bigint) as interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        is_served,
        is_measured,
        lyft_label,
        proportion,
        basis
    from {{ ref('int_schedules') }}
    where {{ in_month('usage_month') }}
    union all
    select
        usage_hour,
        interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        is_served,
        is_measured,
        lyft_label,
        proportion,
        basis
    from {{ ref('int_interval_schedules') }}
    where {{ in_month('usage_month') }}
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

dependencies as (
    select * from {{ ref('int_platform_dependencies') }}
    where {{ in_month('usage_month') }}
),

parts_of_level_1 as (
    select
        {%- for column in schedule %}
            schedules.{{ column }},
        {%- endfor %}
        cast(null as {{ dbt.type_string() }}) as via_labels,
        cast(null as {{ dbt.type_string() }}) as via,
        concat(' > ', schedules.platform, ': ', schedules.sub_platform, ' > ') as passed,
        cast(null as {{ dbt.type_string() }}) as label_before,
        schedules.platform as last_platform,
        schedules.sub_platform as last_sub_platform,
        schedules.capacity_pool as last_capacity_pool,
        schedules.cost_model as last_cost_model,
        schedules.is_served,
        schedules.is_measured,
        schedules.lyft_label,
        schedules.lyft_label = 'unattributed'
        or (schedules.lyft_label = 'free' and platforms.free_policy = 'owner') as goes_back,
        {{ basis_rank('schedules.basis') }} as basis_rank,
        schedules.proportion
    from schedules
    inner join platforms
        on
            schedules.platform = platforms.platform
            and schedules.sub_platform = platforms.sub_platform
            and schedules.usage_hour >= platforms.valid_from
            and schedules.usage_hour < platforms.valid_until
),

{% for level in range(1, deepest_level() + 1) %}
    {% if level > 1 %}
        {% set last_step = step_of_way(
            'below.last_platform', 'below.last_sub_platform', "'all'", 'below.last_cost_model'
        ) %}

        -- In an hour for which the next platform has no schedule, the part stays with its label.
        offered_at_level_{{ level }} as (
            select
                {%- for column in schedule %}
                    below.{{ column }},
                {%- endfor %}
                {% if level == 2 %}
                    below.lyft_label as via_labels,
                    '' as via,
                {% else %}
                    concat(below.via_labels, ' > ', below.lyft_label) as via_labels,
                    concat(below.via, ' > ', {{ last_step }}) as via,
                {% endif %}
                concat(below.passed, below.next_platform, ': ', below.next_sub_platform, ' > ')
                    as passed,
                below.lyft_label as label_before,
                below.next_platform as last_platform,
                below.next_sub_platform as last_sub_platform,
                'all' as last_capacity_pool,
                below.next_cost_model as last_cost_model,
                coalesce(schedules.is_served, true) as is_served,
                coalesce(schedules.is_measured, true) as is_measured,
                coalesce(schedules.lyft_label, 'unattributed') as lyft_label,
                coalesce(schedules.goes_back, true) as goes_back,
                greatest(
                    below.basis_rank,
                    coalesce(schedules.basis_rank, {{ basis_rank("'unattributed'") }})
                ) as basis_rank,
                {{ units('below.proportion') }} as part_units,
                {{ units('coalesce(schedules.proportion, cast(1 as decimal(11, 10)))') }}
                    as weight_units
            from level_{{ level - 1 }} as below
            left join parts_of_level_1 as schedules
                on
                    below.usage_hour = schedules.usage_hour
                    and below.interval_hours = schedules.interval_hours
                    and below.next_platform = schedules.platform
                    and below.next_sub_platform = schedules.sub_platform
                    and schedules.capacity_pool = 'all'
                    and below.next_cost_model = schedules.cost_model
            where below.next_platform is not null and not below.is_a_circle
        ),

        {{ allocate_largest_remainder(
            'allocated_at_level_' ~ level,
            of='offered_at_level_' ~ level,
            by=schedule + ['via_labels', 'is_served'],
            weight='weight_units',
            whole='max(part_units)',
            ties=['lyft_label'],
            keep=path[1:] + ['is_measured', 'goes_back', 'basis_rank'],
        ) }},

        parts_of_level_{{ level }} as (
            select
                {{ (schedule + path + part) | join(',\n                ') }},
                {{ from_units('allocated_units') }} as proportion
            from allocated_at_level_{{ level }}
        ),
    {% endif %}

    level_{{ level }} as (
        select
            {{ level }} as level,
            parts.*,
            dependencies.next_platform,
            dependencies.next_sub_platform,
            dependencies.next_cost_model,
            coalesce(
                position(
                    concat(
                        ' > ',
                        dependencies.next_platform,
                        ': ',
                        dependencies.next_sub_platform,
                        ' > '
                    )
                    in parts.passed
                ) > 0,
                false
            ) as is_a_circle
        from parts_of_level_{{ level }} as parts
        left join dependencies
            on
                parts.is_served
                and not parts.goes_back
                and parts.last_platform = dependencies.platform
                and parts.last_sub_platform = dependencies.sub_platform
                and parts.lyft_label = dependencies.lyft_label
                and parts.usage_hour >= dependencies.valid_from
                and parts.usage_hour < dependencies.valid_until
    ),
{% endfor %}

levels as (
    {% for level in range(1, deepest_level() + 1) %}
        {{ 'union all' if not loop.first }}
        select * from level_{{ level }}
    {% endfor %}
)

select
    -- which schedule splits the charge
    {{ month_of('usage_hour') }} as usage_month,
    {{ schedule | join(',\n    ') }},

    -- through which platforms the part came, and which allocates it here
    level,
    {{ path | join(',\n    ') }},

    -- whose part it is
    {{ part | join(',\n    ') }},
    case when goes_back then label_before else lyft_label end as receiving_label,
    proportion,

    -- which platform allocates it next
    next_platform,
    next_sub_platform,
    next_cost_model,
    is_a_circle,
    next_platform is null or is_a_circle or level = {{ deepest_level() }} as is_last_level
from levels
