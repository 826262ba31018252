-- Below a label: which workload and container held which part of a cluster. The label's part of an
-- hour, as the schedule has it, is dealt to its containers by what each of them held, so that they
-- add up to it exactly; and of each part, what was held and not used. Hours that were not measured
-- are not here: nobody can tell what ran in them.
{{ by_period('spent', by='usage_hour') }}

{% set label = ['platform', 'sub_platform', 'lyft_label'] %}
{% set place = ['platform', 'sub_platform', 'capacity_pool', 'lyft_label'] %}
{% set workload = [
    'namespace', 'workload_kind', 'workload_name', 'container', 'pod_labels'
] %}

{% set measures = ['cpu', 'memory', 'gpu', 'priced', 'network'] %}
{% set columns = {
    'cpu': ['cpu_request_core_hours', 'cpu_usage_core_hours'],
    'memory': ['memory_request_gib_hours', 'memory_usage_gib_hours'],
    'gpu': ['gpu_request_gpu_hours', 'gpu_usage_gpu_hours'],
} %}

with

container_hours as (
    select * from {{ rebuilt(ref('stg_kubernetes__container_hours')) }}
),

pods as (
    select * from {{ rebuilt(ref('int_pod_labels')) }}
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
    where schedule_source = 'kubernetes'
),

schedules as (
    select * from {{ rebuilt(ref('int_schedules')) }}
    where interval_hours = 1 and basis = 'measured' and is_served
),

-- From here on places and workloads are numbers: in the order of their names, so that ties are
-- dealt in that order.
places as (
    select
        {{ place | join(',\n        ') }},
        cost_model,
        row_number() over (order by {{ place | join(', ') }}, cost_model) as place_id
    from (select distinct {{ place | join(', ') }}, cost_model from schedules) as distinct_places
),

-- What a container counts with inside its label: the resource that the cost model measures, or,
-- where it measures several, all of them at their price.
containers as (
    select
        container_hours.usage_hour,
        platforms.platform,
        platforms.sub_platform,
        {{ kubernetes_pool('container_hours') }} as capacity_pool,
        pods.lyft_label,
        container_hours.namespace,
        pods.workload_kind,
        pods.workload_name,
        container_hours.container,
        pods.pod_labels,
        platforms.allocation_base,
        {%- for measure, (requested, used) in columns.items() %}
            container_hours.{{ requested }} as {{ measure }}_requested,
            container_hours.{{ used }} as {{ measure }}_used,
        {%- endfor %}
        {%- for kind in [0, 1] %}
            {% for measure, amounts in columns.items() %}
                {{ '+ ' if not loop.first }}{{ price_of_resource(measure) }}
                * container_hours.{{ amounts[kind] }}
            {%- endfor %} as priced_{{ ['requested', 'used'][kind] }},
        {%- endfor %}
        container_hours.network_gib as network_requested,
        container_hours.network_gib as network_used
    from container_hours
    inner join pods
        on
            container_hours.cluster = pods.cluster
            and container_hours.usage_hour = pods.usage_hour
            and container_hours.namespace = pods.namespace
            and container_hours.pod = pods.pod
            and container_hours.uid = pods.uid
    inner join platforms
        on
            container_hours.cluster = platforms.sub_platform
            and container_hours.usage_hour >= platforms.valid_from
            and container_hours.usage_hour < platforms.valid_until
),

held_by_names as (
    select
        {{ (place + workload) | join(',\n        ') }},
        {%- for measure in measures %}
            sum(
                case allocation_base
                    when 'request' then {{ measure }}_requested
                    when 'usage' then {{ measure }}_used
                    else greatest({{ measure }}_requested, {{ measure }}_used)
                end
            ) as {{ measure }}_held,
            sum({{ measure }}_used) as {{ measure }}_used,
        {%- endfor %}
        usage_hour
    from containers
    group by usage_hour, {{ (place + workload) | join(', ') }}
),

workloads as (
    select
        {{ workload | join(',\n        ') }},
        row_number() over (order by {{ workload | join(', ') }}) as workload_id
    from (select distinct {{ workload | join(', ') }} from held_by_names) as distinct_workloads
),

held_in_pools as (
    select
        {%- for column in place %}
            held.{{ column }},
        {%- endfor %}
        workloads.workload_id,
        {%- for measure in measures %}
            held.{{ measure }}_held,
            held.{{ measure }}_used,
        {%- endfor %}
        held.usage_hour
    from held_by_names as held
    inner join workloads
        on
            {%- for column in workload %}
                {{ 'and ' if not loop.first }}held.{{ column }} = workloads.{{ column }}
            {%- endfor %}
),

held as (
    select * from held_in_pools
    where capacity_pool <> 'all'
    union all
    select
        {%- for column in place %}
            {{ "'all' as " if column == 'capacity_pool' }}{{ column }},
        {%- endfor %}
        workload_id,
        {%- for measure in measures %}
            sum({{ measure }}_held) as {{ measure }}_held,
            sum(case when {{ measure }}_held > 0 then {{ measure }}_used else 0 end)
                as {{ measure }}_used,
        {%- endfor %}
        usage_hour
    from held_in_pools
    group by usage_hour, {{ label | join(', ') }}, workload_id
),

by_place as (
    select
        places.place_id,
        held.workload_id,
        {%- for kind in ['held', 'used'] %}
            case places.cost_model
                {%- for measure in measures if measure != 'priced' %}
                    when '{{ measure }}' then held.{{ measure }}_{{ kind }}
                {%- endfor %}
                when 'storage' then 0
                else held.priced_{{ kind }}
            end as {{ kind }},
        {%- endfor %}
        held.usage_hour
    from held
    inner join places
        on
            {%- for column in place %}
                {{ 'and ' if not loop.first }}held.{{ column }} = places.{{ column }}
            {%- endfor %}
),

label_parts as (
    select
        schedules.usage_hour,
        places.place_id,
        {{ units('schedules.proportion') }} as label_units
    from schedules
    inner join places
        on
            {%- for column in place + ['cost_model'] %}
                {{ 'and ' if not loop.first }}schedules.{{ column }} = places.{{ column }}
            {%- endfor %}
),

parts as (
    select
        held.usage_hour,
        held.place_id,
        held.workload_id,
        {{ units('held.held') }} as held_units,
        {{ units('least(held.used, held.held)') }} as used_units,
        label_parts.label_units
    from by_place as held
    inner join label_parts
        on held.usage_hour = label_parts.usage_hour and held.place_id = label_parts.place_id
    where held.held > 0
),

{{ deal(
    'dealt', of='parts', by=['usage_hour', 'place_id'], weight='held_units',
    whole='max(label_units)', ties=['workload_id'], keep=['held_units', 'used_units']
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
    {{ from_units('dealt.dealt_units') }} as proportion,
    {{ from_units(
        'dealt.dealt_units - '
        ~ floor_divide('dealt.dealt_units * dealt.used_units', 'dealt.held_units')
    ) }} as idle_proportion,

    -- when
    dealt.usage_hour
from dealt
inner join places on dealt.place_id = places.place_id
inner join workloads on dealt.workload_id = workloads.workload_id
