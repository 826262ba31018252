{#-
    Reads the common table expression `below`: the parts that another platform splits, as in
    int_parts_level_2. Each is allocated over that platform's schedule for its whole sub-platform.
-#}
{% macro next_level() -%}
{%- set root = [
    'usage_hour', 'interval_hours', 'platform', 'sub_platform', 'capacity_pool', 'cost_model'
] -%}
schedules as (
    select * from {{ ref('int_schedules') }}
    where {{ in_month('usage_month') }} and capacity_pool = 'all'
),

handovers as (
    select * from {{ ref('int_handovers') }}
    where {{ in_month('usage_month') }}
),

-- In an hour for which the next platform has no schedule, the part stays with its label.
offered as (
    select
        {%- for column in root %}
        below.{{ column }},
        {%- endfor %}
        below.via_labels,
        below.via,
        below.passed,
        below.label_before,
        below.last_platform,
        below.last_sub_platform,
        below.last_cost_model,
        coalesce(schedules.lyft_label, 'unattributed') as lyft_label,
        coalesce(schedules.is_served, true) as is_served,
        coalesce(schedules.is_measured, true) as is_measured,
        coalesce(schedules.goes_back, true) as goes_back,
        greatest(
            below.basis_rank,
            coalesce({{ basis_rank('schedules.basis') }}, {{ basis_rank("'unattributed'") }})
        ) as basis_rank,
        {{ units('below.proportion') }} as part_units,
        {{ units('coalesce(schedules.proportion, cast(1 as decimal(11, 10)))') }} as weight_units
    from below
    left join schedules
        on
            below.usage_hour = schedules.usage_hour
            and below.interval_hours = schedules.interval_hours
            and below.last_platform = schedules.platform
            and below.last_sub_platform = schedules.sub_platform
            and below.last_cost_model = schedules.cost_model
),

{{ allocate_largest_remainder(
    'dealt',
    of='offered',
    by=root + ['via_labels', 'is_served'],
    weight='weight_units',
    whole='max(part_units)',
    ties=['lyft_label'],
    keep=[
        'via', 'passed', 'label_before', 'last_platform', 'last_sub_platform', 'last_cost_model',
        'is_measured', 'goes_back', 'basis_rank',
    ],
) }}

select
    -- which schedule splits the charge
    {{ month_of('dealt.usage_hour') }} as usage_month,
    {%- for column in root %}
    dealt.{{ column }},
    {%- endfor %}

    -- through which platforms it came
    dealt.via_labels,
    dealt.via,
    dealt.passed,
    dealt.label_before,

    -- who splits it here
    dealt.last_platform,
    dealt.last_sub_platform,
    dealt.last_cost_model,
    dealt.is_served,
    dealt.is_measured,

    -- whose part it is
    dealt.lyft_label,
    dealt.goes_back,

    -- which platform splits it next
    handovers.next_platform,
    handovers.next_sub_platform,
    handovers.next_cost_model,
    coalesce(
        position(
            concat(' > ', handovers.next_platform, ': ', handovers.next_sub_platform, ' > ')
            in dealt.passed
        ) > 0,
        false
    ) as is_a_circle,

    -- how much
    {{ from_units('dealt.allocated_units') }} as proportion,

    -- how well it is known
    dealt.basis_rank
from dealt
left join handovers
    on
        dealt.is_served
        and not dealt.goes_back
        and dealt.last_platform = handovers.platform
        and dealt.last_sub_platform = handovers.sub_platform
        and dealt.lyft_label = handovers.lyft_label
        and dealt.usage_hour >= handovers.valid_from
        and dealt.usage_hour < handovers.valid_until
{%- endmacro %}

{% macro handed_on(parts) -%}
    select
        usage_hour,
        interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        concat(via_labels, ' > ', lyft_label) as via_labels,
        concat(
            via,
            ' > ',
            {{ step_of_way('last_platform', 'last_sub_platform', "'all'", 'last_cost_model') }}
        ) as via,
        concat(passed, next_platform, ': ', next_sub_platform, ' > ') as passed,
        lyft_label as label_before,
        next_platform as last_platform,
        next_sub_platform as last_sub_platform,
        next_cost_model as last_cost_model,
        proportion,
        basis_rank
    from {{ parts }}
    where {{ in_month('usage_month') }} and next_platform is not null and not is_a_circle
{%- endmacro %}
