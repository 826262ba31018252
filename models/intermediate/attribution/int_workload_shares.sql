-- Below a label: each workload's and container's part of a cluster. The label's part of an hour, as
-- in the schedule, is allocated to its containers by what each of them requested or used, so that
-- they add up to it exactly; and of each part, the idle and the unmeasured share. Hours that were
-- not measured are left out: what ran in them is unknown.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

{% set label = ['platform', 'sub_platform', 'lyft_label'] %}
{% set place = ['platform', 'sub_platform', 'capacity_pool', 'lyft_label'] %}
{% set workload = [
    'namespace', 'workload_kind', 'workload_name', 'container', 'pod_labels'
] %}

{% set used = floor_divide(
    'allocated.allocated_units * allocated.used_units', 'allocated.weight_units'
) %}
{% set unmeasured = floor_divide(
    'allocated.allocated_units * allocated.unmeasured_units', 'allocated.weight_units'
) %}
{% set measures = kubernetes_resources().keys() | list + ['priced'] %}

with

weights_by_names as (
    select * from {{ ref('int_workload_weights') }}
    where {{ in_month('usage_month') }}
),

schedules as (
    select * from {{ ref('int_schedules') }}
    where {{ in_month('usage_month') }} and basis = 'measured' and is_served
),

-- From here on schedules and workloads are numbers, in the order of their names, so that ties are
-- broken in that order.
places as (
    select
        {{ place | join(',\n        ') }},
        cost_model,
        row_number() over (order by {{ place | join(', ') }}, cost_model) as place_id
    from (select distinct {{ place | join(', ') }}, cost_model from schedules) as distinct_places
),

workloads as (
    select
        {{ workload | join(',\n        ') }},
        row_number() over (order by {{ workload | join(', ') }}) as workload_id
    from (select distinct {{ workload | join(', ') }} from weights_by_names) as distinct_workloads
),

weights_in_pools as (
    select
        {%- for column in place %}
            weights.{{ column }},
        {%- endfor %}
        workloads.workload_id,
        {%- for measure in measures %}
            weights.{{ measure }}_weight,
            weights.{{ measure }}_used,
            weights.{{ measure }}_unmeasured,
        {%- endfor %}
        weights.usage_hour
    from weights_by_names as weights
    inner join workloads on {{ same('weights', 'workloads', workload) }}
),

weights as (
    select * from weights_in_pools
    where capacity_pool <> 'all'
    union all
    select
        {%- for column in place %}
            {{ "'all' as " if column == 'capacity_pool' }}{{ column }},
        {%- endfor %}
        workload_id,
        {%- for measure in measures %}
            sum({{ measure }}_weight) as {{ measure }}_weight,
            sum(case when {{ measure }}_weight > 0 then {{ measure }}_used else 0 end)
                as {{ measure }}_used,
            sum({{ measure }}_unmeasured) as {{ measure }}_unmeasured,
        {%- endfor %}
        usage_hour
    from weights_in_pools
    group by usage_hour, {{ label | join(', ') }}, workload_id
),

by_place as (
    select
        places.place_id,
        weights.workload_id,
        {%- for kind in ['weight', 'used', 'unmeasured'] %}
            case places.cost_model
                {%- for measure in measures if measure != 'priced' %}
                    when '{{ measure }}' then weights.{{ measure }}_{{ kind }}
                {%- endfor %}
                when 'storage' then 0
                else weights.priced_{{ kind }}
            end as {{ kind }},
        {%- endfor %}
        weights.usage_hour
    from weights
    inner join places on {{ same('weights', 'places', place) }}
),

label_parts as (
    select
        schedules.usage_hour,
        places.place_id,
        {{ units('schedules.proportion') }} as label_units
    from schedules
    inner join places on {{ same('schedules', 'places', place + ['cost_model']) }}
),

parts as (
    select
        weights.usage_hour,
        weights.place_id,
        weights.workload_id,
        {{ units('weights.weight') }} as weight_units,
        {{ units('least(weights.used, weights.weight - weights.unmeasured)') }} as used_units,
        {{ units('weights.unmeasured') }} as unmeasured_units,
        label_parts.label_units
    from by_place as weights
    inner join label_parts
        on weights.usage_hour = label_parts.usage_hour and weights.place_id = label_parts.place_id
    where weights.weight > 0
),

{{ allocate_largest_remainder(
    'allocated', of='parts', by=['usage_hour', 'place_id'], weight='weight_units',
    whole='max(label_units)', ties=['workload_id'], keep=['weight_units', 'used_units', 'unmeasured_units']
) }}

select
    -- which schedule
    places.platform,
    places.sub_platform,
    places.capacity_pool,
    places.cost_model,
    places.lyft_label,

    -- which workload
    workloads.namespace,
    workloads.workload_kind,
    workloads.workload_name,
    workloads.container,
    workloads.pod_labels,

    -- how much
    {{ from_units('allocated.allocated_units') }} as proportion,
    {{ from_units('allocated.allocated_units - ' ~ used ~ ' - ' ~ unmeasured) }} as idle_proportion,
    {{ from_units(unmeasured) }} as unmeasured_proportion,

    -- when
    {{ month_of('allocated.usage_hour') }} as usage_month,
    allocated.usage_hour
from allocated
inner join places on allocated.place_id = places.place_id
inner join workloads on allocated.workload_id = workloads.workload_id
