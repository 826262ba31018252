-- Below a label: which workload and container held which part of a cluster. The label's part of an
-- hour, as the schedule has it, is dealt to its containers by what each of them held, so that they
-- add up to it exactly; and of each part, what was held and not used. Hours that were not measured
-- are not here: nobody can tell what ran in them.
{{ by_period('spent', by='usage_hour') }}

{% set group = [
    'usage_hour', 'platform', 'sub_platform', 'capacity_pool', 'cost_model', 'lyft_label'
] %}
{% set workload = [
    'namespace', 'workload_kind', 'workload_name', 'container', 'pod_labels'
] %}

with

container_hours as (
    select * from {{ rebuilt(ref('stg_kubernetes__container_hours')) }}
),

pods as (
    select * from {{ rebuilt(ref('stg_kubernetes__pods')) }}
),

labels as (
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

amounts as (
    select
        container_hours.usage_hour,
        platforms.platform,
        platforms.sub_platform,
        {{ kubernetes_pool('container_hours') }} as capacity_pool,
        cost_models.cost_model,
        labels.lyft_label,
        container_hours.namespace,
        coalesce(pods.workload_kind, 'Pod') as workload_kind,
        coalesce(pods.workload_name, container_hours.pod) as workload_name,
        container_hours.container,
        coalesce(pods.pod_labels, '{}') as pod_labels,
        platforms.allocation_base,
        {{ kubernetes_amount('container_hours', 'request') }} as requested,
        {{ kubernetes_amount('container_hours', 'usage') }} as used
    from container_hours
    inner join labels
        on
            container_hours.cluster = labels.cluster
            and container_hours.usage_hour = labels.usage_hour
            and container_hours.namespace = labels.namespace
            and container_hours.pod = labels.pod
            and container_hours.uid = labels.uid
    left join pods
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
    inner join cost_models
        on
            platforms.platform = cost_models.platform
            and platforms.sub_platform = cost_models.sub_platform
),

held as (
    select
        {{ (group + workload) | join(',\n        ') }},
        {{ units("""sum(
            case allocation_base
                when 'request' then requested
                when 'usage' then used
                else greatest(requested, used)
            end
        )""") }} as held_units,
        {{ units('sum(used)') }} as used_units
    from amounts
    group by {{ (group + workload) | join(', ') }}
),

by_pool as (
    select
        {{ (group + workload) | join(',\n        ') }},
        held_units,
        used_units
    from held
    where capacity_pool <> 'all' and held_units > 0
    union all
    select
        {%- for column in group + workload %}
            {{ "'all' as " if column == 'capacity_pool' }}{{ column }},
        {%- endfor %}
        sum(held_units) as held_units,
        sum(used_units) as used_units
    from held
    where held_units > 0
    group by {{ (group + workload) | reject('equalto', 'capacity_pool') | join(', ') }}
),

parts as (
    select
        {%- for column in group + workload %}
            by_pool.{{ column }},
        {%- endfor %}
        by_pool.held_units,
        least(by_pool.used_units, by_pool.held_units) as used_units,
        {{ units('schedules.proportion') }} as label_units
    from by_pool
    inner join schedules
        on
            {%- for column in group %}
                {{ 'and ' if not loop.first }}by_pool.{{ column }} = schedules.{{ column }}
            {%- endfor %}
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
