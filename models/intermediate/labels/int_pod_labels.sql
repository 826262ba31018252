-- The label of every pod, hour by hour: its namespace, unless a rule on namespaces or pod labels
-- says otherwise. Asked once per distinct combination of what rules look at. A namespace that
-- bears the name of a reserved label keeps it behind a prefix. What a namespace holds without a
-- pod, its volumes, is labelled like a pod without a name and without labels.
-- depends_on: {{ ref('stg_seeds__label_rules') }}

{{ config(materialized='view', meta={'stage': 'weighed', 'by': 'usage_hour'}) }}
{{ waits_for('weighed') }}

{% set rules = label_rules(scope='namespaces') %}

with

container_hours as (
    select * from {{ ref('stg_kubernetes__container_hours') }}
),

pods as (
    select * from {{ ref('stg_kubernetes__pods') }}
),

volume_hours as (
    select * from {{ ref('stg_kubernetes__volume_hours') }}
),

pod_hours as (
    select distinct
        container_hours.cluster,
        container_hours.namespace,
        container_hours.pod,
        container_hours.uid,
        container_hours.usage_hour,
        coalesce(pods.pod_labels, '{}') as pod_labels,
        {{ rule_era(rules, 'container_hours.usage_hour') }} as rule_era
    from container_hours
    left join pods
        on
            container_hours.cluster = pods.cluster
            and container_hours.usage_hour = pods.usage_hour
            and container_hours.namespace = pods.namespace
            and container_hours.pod = pods.pod
            and container_hours.uid = pods.uid
    union distinct
    select
        cluster,
        namespace,
        '' as pod,
        '' as uid,
        usage_hour,
        '{}' as pod_labels,
        {{ rule_era(rules, 'usage_hour') }} as rule_era
    from volume_hours
    where namespace is not null
),

keys as (
    select distinct
        namespace,
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
        pod_labels,
        rule_era,
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

    -- what it is called
    coalesce(named.rule_label, named.namespace_label) as lyft_label,

    -- when
    pod_hours.usage_hour
from pod_hours
inner join named
    on
        pod_hours.namespace = named.namespace
        and pod_hours.pod_labels = named.pod_labels
        and pod_hours.rule_era = named.rule_era
