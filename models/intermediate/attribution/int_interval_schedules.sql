-- The schedules of charges that are longer than an hour: by the weights of all hours of the charge,
-- added up and rounded once. Unknown hours keep their part unattributed: with n hours known and m
-- not, a label's weight counts n times, and m times the whole weight is unattributed.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

{% set longest = longest_interval() %}

with

dependencies as (
    select * from {{ ref('int_platform_dependencies') }}
    where {{ in_month('usage_month') }}
),

intervals_of_level_1 as (
    select distinct
        platform,
        sub_platform,
        usage_hour,
        interval_hours
    from {{ ref('int_charges_matched') }}
    where {{ in_hours('usage_hour') }} and platform is not null and interval_hours > 1
),

{% for level in range(2, deepest_level() + 1) %}
    intervals_of_level_{{ level }} as (
        select distinct
            dependencies.next_platform as platform,
            dependencies.next_sub_platform as sub_platform,
            intervals.usage_hour,
            intervals.interval_hours
        from intervals_of_level_{{ level - 1 }} as intervals
        inner join dependencies
            on
                intervals.platform = dependencies.platform
                and intervals.sub_platform = dependencies.sub_platform
                and intervals.usage_hour >= dependencies.valid_from
                and intervals.usage_hour < dependencies.valid_until
    ),
{% endfor %}

intervals as (
    {% for level in range(1, deepest_level() + 1) %}
        {{ 'union distinct' if not loop.first }}
        select * from intervals_of_level_{{ level }}
    {% endfor %}
),

hours as (
    select * from {{ ref('int_schedule_calendar') }}
    where {{ in_hours('usage_hour', after=longest) }}
),

weights as (
    select * from {{ ref('int_cost_model_weights') }}
    where {{ in_hours('usage_hour', after=longest) }}
),

known_hours as (
    select
        intervals.platform,
        intervals.sub_platform,
        intervals.usage_hour,
        intervals.interval_hours,
        hours.usage_hour as weighed_hour,
        hours.basis = 'unattributed' as is_unattributed,
        {{ basis_rank('hours.basis') }} as basis_rank
    from intervals
    inner join hours
        on
            intervals.platform = hours.platform
            and intervals.sub_platform = hours.sub_platform
            and intervals.usage_hour <= hours.usage_hour
            and hours.usage_hour
            < {{ plus_hours('intervals.usage_hour', 'intervals.interval_hours') }}
),

counted as (
    select
        platform,
        sub_platform,
        usage_hour,
        interval_hours,
        count(case when not is_unattributed then 1 end) as hours_known,
        count(case when is_unattributed then 1 end) as hours_unknown,
        max(case when not is_unattributed then basis_rank end) as basis_rank
    from known_hours
    group by platform, sub_platform, usage_hour, interval_hours
),

summed as (
    select
        known_hours.usage_hour,
        known_hours.interval_hours,
        known_hours.platform,
        known_hours.sub_platform,
        weights.capacity_pool,
        weights.cost_model,
        weights.is_served,
        weights.is_measured,
        weights.lyft_label,
        sum(weights.weight_units) as weight_units
    from known_hours
    inner join weights
        on
            known_hours.platform = weights.platform
            and known_hours.sub_platform = weights.sub_platform
            and known_hours.weighed_hour = weights.usage_hour
    where not known_hours.is_unattributed
    group by
        known_hours.usage_hour,
        known_hours.interval_hours,
        known_hours.platform,
        known_hours.sub_platform,
        weights.capacity_pool,
        weights.cost_model,
        weights.is_served,
        weights.is_measured,
        weights.lyft_label
),

totals as (
    select
        usage_hour,
        interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        is_served,
        is_measured,
        sum(weight_units) as weight_units
    from summed
    group by
        usage_hour,
        interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        is_served,
        is_measured
),

cost_models as (
    select distinct
        platform,
        sub_platform,
        cost_model
    from {{ ref('int_platform_cost_models') }}
),

interval_weights as (
    select
        summed.usage_hour,
        summed.interval_hours,
        summed.platform,
        summed.sub_platform,
        summed.capacity_pool,
        summed.cost_model,
        summed.is_served,
        summed.is_measured,
        summed.lyft_label,
        {{ basis_of_rank('counted.basis_rank') }} as basis,
        case when totals.weight_units = 0 then 1 else summed.weight_units end
        * case when counted.hours_unknown > 0 then counted.hours_known else 1 end as weight_units,
        case when counted.hours_unknown > 0 then counted.hours_known else 1 end as counted_times
    from summed
    inner join totals
        on
            summed.usage_hour = totals.usage_hour
            and summed.interval_hours = totals.interval_hours
            and summed.platform = totals.platform
            and summed.sub_platform = totals.sub_platform
            and summed.capacity_pool = totals.capacity_pool
            and summed.cost_model = totals.cost_model
            and summed.is_served = totals.is_served
    inner join counted
        on
            summed.usage_hour = counted.usage_hour
            and summed.interval_hours = counted.interval_hours
            and summed.platform = counted.platform
            and summed.sub_platform = counted.sub_platform
    where summed.weight_units > 0 or totals.weight_units = 0
    union all
    select
        totals.usage_hour,
        totals.interval_hours,
        totals.platform,
        totals.sub_platform,
        totals.capacity_pool,
        totals.cost_model,
        totals.is_served,
        totals.is_measured,
        'unattributed' as lyft_label,
        'unattributed' as basis,
        greatest(totals.weight_units, 1) * counted.hours_unknown as weight_units,
        counted.hours_known as counted_times
    from totals
    inner join counted
        on
            totals.usage_hour = counted.usage_hour
            and totals.interval_hours = counted.interval_hours
            and totals.platform = counted.platform
            and totals.sub_platform = counted.sub_platform
    where counted.hours_unknown > 0
    union all
    select
        counted.usage_hour,
        counted.interval_hours,
        counted.platform,
        counted.sub_platform,
        'all' as capacity_pool,
        cost_models.cost_model,
        true as is_served,
        true as is_measured,
        'unattributed' as lyft_label,
        'unattributed' as basis,
        cast(1 as {{ whole_number() }}) as weight_units,
        1 as counted_times
    from counted
    inner join cost_models
        on
            counted.platform = cost_models.platform
            and counted.sub_platform = cost_models.sub_platform
    where counted.hours_known = 0
),

{{ allocate_largest_remainder(
    'allocated',
    of='interval_weights',
    by=[
        'usage_hour', 'interval_hours', 'platform', 'sub_platform', 'capacity_pool', 'cost_model',
        'is_served'
    ],
    weight='weight_units',
    ties=['lyft_label'],
    keep=['is_measured', 'basis', 'weight_units', 'counted_times'],
) }}

select
    -- ids
    platform,
    sub_platform,
    capacity_pool,
    cost_model,
    lyft_label,
    is_served,
    is_measured,

    -- how much
    {{ from_units('allocated_units') }} as proportion,
    weight_units,
    counted_times,

    -- how well it is known
    basis,

    -- when
    {{ month_of('usage_hour') }} as usage_month,
    usage_hour,
    interval_hours
from allocated
