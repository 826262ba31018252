-- How a charge is split, platform after platform: for every share in int_allocation_shares, each
-- platform that allocated it, and by whose usage. What goes back to the label that a charge carries
-- has no label here, because only the charge knows it.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

{% set root = [
    'usage_month', 'usage_hour', 'interval_hours', 'platform', 'sub_platform', 'capacity_pool',
    'cost_model'
] %}
{% set part = [
    'step_platform', 'step_sub_platform', 'step_capacity_pool', 'step_cost_model', 'step_label',
    'proportion_before', 'proportion'
] %}

with

parts as (
    select
        level as step,
        {{ root | join(',\n        ') }},
        concat(
            {% set first_step = step_of_way(
                'platform', 'sub_platform', 'capacity_pool', 'cost_model'
            ) %}
            {% set last_step = step_of_way(
                'last_platform', 'last_sub_platform', 'last_capacity_pool', 'last_cost_model'
            ) %}
            case
                when level > 1
                    then concat(
                            {{ first_step }},
                            via,
                            ' > '
                        )
                else ''
            end,
            {{ last_step }}
        ) as way,
        case when level > 1 then concat(via_labels, ' > ', lyft_label) else lyft_label end
            as usage_of,
        receiving_label as lyft_label,
        is_last_level as is_last_step,
        last_platform as step_platform,
        last_sub_platform as step_sub_platform,
        last_capacity_pool as step_capacity_pool,
        last_cost_model as step_cost_model,
        lyft_label as step_label,
        coalesce(via_labels, '') as usage_of_before,
        proportion,
        {{ basis_of_rank('basis_rank') }} as basis
    from {{ ref('int_allocation_levels') }}
    where {{ in_month('usage_month') }} and is_served
),

-- A part before a platform's split is the part after the split of the platform before it.
with_part_before as (
    select
        *,
        cast(1 as decimal(11, 10)) as proportion_before
    from parts
    where step = 1
    union all
    select
        parts.*,
        below.proportion as proportion_before
    from parts
    inner join parts as below
        on
            parts.step = below.step + 1
            and parts.usage_of_before = below.usage_of
            and {{ same('parts', 'below', root) }}
)

select
    -- which schedule splits the charge
    {{ root | join(',\n    ') }},

    -- through which chain, to which label
    way,
    usage_of,
    lyft_label,
    basis,
    step,
    is_last_step,

    -- who splits it there, by whose usage
    {{ part | join(',\n    ') }}
from with_part_before
where is_last_step
union all
-- The platforms before the last one.
select
    {%- for column in root %}
        passed.{{ column }},
    {%- endfor %}
    last_steps.way,
    last_steps.usage_of,
    last_steps.lyft_label,
    last_steps.basis,
    passed.step,
    passed.is_last_step,
    passed.{{ part | join(',\n    passed.') }}
from with_part_before as passed
inner join parts as last_steps
    on
        not passed.is_last_step
        and last_steps.is_last_step
        and passed.step < last_steps.step
        and position(concat(passed.usage_of, ' > ') in last_steps.usage_of) = 1
        {%- for column in root %}
            and passed.{{ column }} = last_steps.{{ column }}
        {%- endfor %}
