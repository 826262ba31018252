-- What runs on Kubernetes and what it costs: by workload, container and, where Kubeflow runs, by
-- notebook, inference service, pipeline run, experiment and trial.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

with

spend as (
    select
        platform,
        sub_platform,
        lyft_label,
        namespace,
        workload_kind,
        workload_name,
        container,
        {{ json_value('pod_labels', label_key('notebook-name')) }} as notebook,
        coalesce(
            {{ json_value('pod_labels', label_key('serving.kserve.io/inferenceservice')) }},
            {{ json_value('pod_labels', label_key('serving.kubeflow.org/inferenceservice')) }}
        ) as inference_service,
        coalesce(
            {{ json_value('pod_labels', label_key('pipeline/runid')) }},
            {{ json_value('pod_labels', label_key('workflows.argoproj.io/workflow')) }}
        ) as pipeline_run,
        coalesce(
            {{ json_value('pod_labels', label_key('katib.kubeflow.org/experiment')) }},
            {{ json_value('pod_labels', label_key('experiment')) }}
        ) as experiment,
        coalesce(
            {{ json_value('pod_labels', label_key('katib.kubeflow.org/trial')) }},
            {{ json_value('pod_labels', label_key('trial')) }}
        ) as trial,
        spend,
        idle_spend,
        unmeasured_spend,
        usage_date
    from {{ ref('int_workload_spend') }}
    where {{ in_month('usage_month') }}
)

select
    -- when
    usage_date,
    {{ month_of('usage_date') }} as usage_month,

    -- what it cost
    cast(sum(spend) as decimal(38, 20)) as spend,
    cast(
        case when sum(unmeasured_spend) <> sum(spend) or sum(spend) = 0 then sum(idle_spend) end
        as decimal(38, 20)
    ) as idle_spend,
    cast(sum(unmeasured_spend) as decimal(38, 20)) as unmeasured_spend,

    -- who
    platform,
    sub_platform,
    lyft_label,
    namespace,
    workload_kind,
    workload_name,
    container,

    -- what for
    case
        when notebook is not null then 'notebook'
        when inference_service is not null then 'inference service'
        when coalesce(experiment, trial) is not null then 'experiment'
        when pipeline_run is not null then 'pipeline run'
    end as kubeflow_work,
    notebook,
    inference_service,
    pipeline_run,
    experiment,
    trial
from spend
group by
    platform,
    sub_platform,
    lyft_label,
    namespace,
    workload_kind,
    workload_name,
    container,
    notebook,
    inference_service,
    pipeline_run,
    experiment,
    trial,
    usage_date
