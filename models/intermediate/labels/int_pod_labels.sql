-- The label of every pod, hour by hour: its namespace, unless a rule on namespaces, their labels or
-- pod labels says otherwise. Determined once per distinct combination of the columns that rules
-- read. A namespace with the name of a reserved label gets a prefix. Volumes, which have no pod,
-- are labelled like a pod without a name and without labels.
-- depends_on: {{ ref('stg_seeds__label_rules') }}
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

{% set rules = label_rules(scope='namespaces') %}

with

measured as (
    select * from {{ ref('int_pod_hours') }}
    where {{ in_month('usage_month') }}
),

pods as (
    select * from {{ ref('stg_kubernetes__pods') }}
    where {{ in_hours('usage_hour') }}
),

namespaces as (
    select * from {{ ref('stg_kubernetes__namespaces') }}
    where {{ in_hours('usage_hour') }}
),

volume_hours as (
    select * from {{ ref('stg_kubernetes__volume_hours') }}
    where {{ in_hours('usage_hour') }}
),

seen as (
    select distinct
        cluster,
        namespace,
        pod,
        uid,
        usage_hour
    from measured
),

found as (
    select
        seen.cluster,
        seen.namespace,
        seen.pod,
        seen.uid,
        coalesce(pods.workload_kind, 'Pod') as workload_kind,
        coalesce(pods.workload_name, seen.pod) as workload_name,
        coalesce(pods.pod_labels, '{}') as pod_labels,
        seen.usage_hour,
        {{ rule_era(rules, 'seen.usage_hour') }} as rule_era
    from seen
    left join pods
        on
            seen.cluster = pods.cluster
            and seen.usage_hour = pods.usage_hour
            and seen.namespace = pods.namespace
            and seen.pod = pods.pod
            and seen.uid = pods.uid
    union all
    select distinct
        cluster,
        namespace,
        '' as pod,
        '' as uid,
        cast(null as {{ dbt.type_string() }}) as workload_kind,
        cast(null as {{ dbt.type_string() }}) as workload_name,
        '{}' as pod_labels,
        usage_hour,
        {{ rule_era(rules, 'usage_hour') }} as rule_era
    from volume_hours
    where namespace is not null
),

pod_hours as (
    select
        found.*,
        coalesce(namespaces.namespace_labels, '{}') as namespace_labels
    from found
    left join namespaces
        on
            found.cluster = namespaces.cluster
            and found.usage_hour = namespaces.usage_hour
            and found.namespace = namespaces.namespace
),

keys as (
    select distinct
        namespace,
        namespace_labels,
        pod_labels,
        rule_era
    from pod_hours
),

matched as (
    select
        *,
        {{ winning_rule(rules) }} as label_rule
    from keys
),

named as (
    select
        namespace,
        namespace_labels,
        pod_labels,
        rule_era,
        label_rule,
        case
            when {{ normalized_label('namespace') }} in {{ reserved_labels() }}
                then concat('namespace:', {{ normalized_label('namespace') }})
            else {{ normalized_label('namespace') }}
        end as namespace_label,
        {{ label_of_rule(rules) }} as rule_label
    from matched
)

select
    -- ids
    pod_hours.cluster,
    pod_hours.namespace,
    pod_hours.pod,
    pod_hours.uid,

    -- what it runs for
    pod_hours.workload_kind,
    pod_hours.workload_name,
    pod_hours.pod_labels,

    -- what it is called
    named.label_rule,
    coalesce(named.rule_label, named.namespace_label) as lyft_label,

    -- when
    {{ month_of('pod_hours.usage_hour') }} as usage_month,
    pod_hours.usage_hour
from pod_hours
inner join named
    on
        pod_hours.namespace = named.namespace
        and pod_hours.namespace_labels = named.namespace_labels
        and pod_hours.pod_labels = named.pod_labels
        and pod_hours.rule_era = named.rule_era
