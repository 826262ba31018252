-- Platforms on platforms: which parts of a platform's spend belong to another platform. The row of
-- `platform_resources` that names a part's label, and nothing else, decides; a row that also names
-- a product or a usage type is about charges on the bill. A sub-platform never allocates to itself.
-- Only labels that used something in the month have rows.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

with

labels as (
    select distinct
        platform,
        sub_platform,
        lyft_label,
        usage_month,
        date_trunc('month', usage_hour) as month_from
    from {{ ref('int_cost_model_weights') }}
    where {{ in_month('usage_month') }} and lyft_label not in ('free', 'unattributed')
),

resources as (
    select * from {{ ref('stg_seeds__platform_resources') }}
    where product is null and usage_type is null
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

declared as (
    select
        labels.platform,
        labels.sub_platform,
        labels.lyft_label,
        platforms.platform as next_platform,
        platforms.sub_platform as next_sub_platform,
        coalesce(resources.cost_model, platforms.cost_model) as next_cost_model,
        labels.usage_month,
        greatest(resources.valid_from, platforms.valid_from) as declared_from,
        greatest(resources.valid_from, platforms.valid_from, labels.month_from) as valid_from,
        least(
            resources.valid_until,
            platforms.valid_until,
            labels.month_from + interval '1' month
        ) as valid_until
    from labels
    inner join resources on labels.lyft_label = resources.lyft_label
    inner join platforms
        on
            resources.platform = platforms.platform
            and resources.sub_platform = platforms.sub_platform
    where
        labels.platform <> platforms.platform
        or labels.sub_platform <> platforms.sub_platform
)

select
    -- from whom
    platform,
    sub_platform,
    lyft_label,

    -- to whom
    next_platform,
    next_sub_platform,
    next_cost_model,

    -- when
    declared_from,
    usage_month,
    valid_from,
    valid_until
from declared
where valid_from < valid_until
