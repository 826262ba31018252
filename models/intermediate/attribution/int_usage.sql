-- The contract of usage: what every label requested or used of each resource of a platform, hour by
-- hour, and the capacity beside it, whoever measured it. Weights are computed from this alone; only
-- int_schedule_calendar also reads the sources, for the hours that they have and how completely.
{{ config(materialized='view', meta={'month': 'usage_month'}) }}

select
    -- who
    platform,
    sub_platform,
    capacity_pool,
    lyft_label,

    -- how much
    resource,
    is_capacity,
    amount,

    -- how well it is known
    'kubernetes' as schedule_source,
    coverage,

    -- when
    usage_month,
    usage_hour
from {{ ref('int_kubernetes_usage') }}
union all
select
    platform,
    sub_platform,
    capacity_pool,
    lyft_label,
    'usage' as resource,
    false as is_capacity,
    amount,
    schedule_source,
    cast(null as decimal(11, 10)) as coverage,
    usage_month,
    usage_hour
from {{ ref('int_declared_usage') }}
