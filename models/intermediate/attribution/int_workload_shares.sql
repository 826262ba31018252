-- Below a label: which workload and container held which part of a cluster. The label's part of an
-- hour, as the schedule has it, is dealt to its containers by what each of them held, so that they
-- add up to it exactly; and of each part, what was held and not used. Hours that were not measured
-- are not here: nobody can tell what ran in them.
{{ by_period('spent', by='usage_hour') }}

{% set place = ['usage_hour', 'platform', 'sub_platform', 'capacity_pool', 'lyft_label'] %}
{% set group = place + ['cost_model'] %}
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

cost_models as (
    select distinct
        platform,
        sub_platform,
        cost_model
    from {{ ref('int_platform_cost_models') }}
),

schedules as (
    select * from {{ rebuilt(ref('int_schedules')) }}
    where interval_hours = 1 and basis = 'measured' and is_served
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

held_in_pools as (
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
            sum({{ measure }}_used) as {{ measure }}_used{{ ',' if not loop.last }}
        {%- endfor %}
    from containers
    group by {{ (place + workload) | join(', ') }}
),

held as (
    select * from held_in_pools
    where capacity_pool <> 'all'
    union all
    select
        {%- for column in place + workload %}
            {{ "'all' as " if column == 'capacity_pool' }}{{ column }},
        {%- endfor %}
        {%- for measure in measures %}
            sum({{ measure }}_held) as {{ measure }}_held,
            sum(case when {{ measure }}_held > 0 then {{ measure }}_used else 0 end)
                as {{ measure }}_used{{ ',' if not loop.last }}
        {%- endfor %}
    from held_in_pools
    group by {{ (place + workload) | reject('equalto', 'capacity_pool') | join(', ') }}
),

by_cost_model as (
    select
        {%- for column in place + workload %}
            held.{{ column }},
        {%- endfor %}
        cost_models.cost_model,
        {%- for kind in ['held', 'used'] %}
            {% set amount %}
                case cost_models.cost_model
                    {%- for measure in measures if measure != 'priced' %}
                        when '{{ measure }}' then held.{{ measure }}_{{ kind }}
                    {%- endfor %}
                    when 'storage' then 0
                    else held.priced_{{ kind }}
                end
            {% endset %}
            {{ units(amount) }} as {{ kind }}_units{{ ',' if not loop.last }}
        {%- endfor %}
    from held
    inner join cost_models
        on
            held.platform = cost_models.platform
            and held.sub_platform = cost_models.sub_platform
),

parts as (
    select
        {%- for column in group + workload %}
            held.{{ column }},
        {%- endfor %}
        held.held_units,
        least(held.used_units, held.held_units) as used_units,
        {{ units('schedules.proportion') }} as label_units
    from by_cost_model as held
    inner join schedules
        on
            {%- for column in group %}
                {{ 'and ' if not loop.first }}held.{{ column }} = schedules.{{ column }}
            {%- endfor %}
    where held.held_units > 0
),

{{ deal(
    'dealt', of='parts', by=group, weight='held_units', whole='max(label_units)', ties=workload,
    keep=['held_units', 'used_units']
) }}

select
    -- which schedule
    platform,
    sub_platform,
    capacity_pool,
    cost_model,
    lyft_label,

    -- which workload
    namespace,
    workload_kind,
    workload_name,
    container,
    pod_labels,

    -- how much
    {{ from_units('dealt_units') }} as proportion,
    {{ from_units('dealt_units - ' ~ floor_divide('dealt_units * used_units', 'held_units')) }}
        as idle_proportion,

    -- when
    usage_hour
from dealt
