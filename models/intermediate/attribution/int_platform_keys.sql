-- Which platform splits which charges, determined once per distinct label, product and usage type:
-- the most specific row of `platform_resources` in force, and its cost model. A key has one row per
-- span of time in which the answer is the same.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

with

charges as (
    select distinct
        billing_period,
        lyft_label,
        product,
        usage_type
    from {{ ref('int_charges_labelled') }}
    where {{ in_month('billing_period') }}
),

resources as (
    select * from {{ ref('stg_seeds__platform_resources') }}
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

declared as (
    select
        charges.billing_period,
        charges.lyft_label,
        charges.product,
        charges.usage_type,
        platforms.platform,
        platforms.sub_platform,
        platforms.pool_by,
        coalesce(resources.cost_model, platforms.cost_model) as cost_model,
        case when resources.usage_type is not null then 4 else 0 end
        + case when resources.product is not null then 2 else 0 end
        + case when resources.lyft_label is not null then 1 else 0 end as specificity,
        greatest(resources.valid_from, platforms.valid_from) as valid_from,
        least(resources.valid_until, platforms.valid_until) as valid_until
    from charges
    inner join resources
        on
            coalesce(resources.lyft_label, charges.lyft_label) = charges.lyft_label
            and coalesce(resources.product, charges.product) = charges.product
            and charges.usage_type like coalesce(resources.usage_type, '%')
    inner join platforms
        on
            resources.platform = platforms.platform
            and resources.sub_platform = platforms.sub_platform
            and resources.valid_from < platforms.valid_until
            and resources.valid_until > platforms.valid_from
),

changes as (
    select
        billing_period,
        lyft_label,
        product,
        usage_type,
        valid_from as changed_at
    from declared
    union distinct
    select
        billing_period,
        lyft_label,
        product,
        usage_type,
        valid_until as changed_at
    from declared
),

spans as (
    select
        billing_period,
        lyft_label,
        product,
        usage_type,
        changed_at as valid_from,
        lead(changed_at) over (
            partition by billing_period, lyft_label, product, usage_type order by changed_at
        ) as valid_until
    from changes
),

ranked as (
    select
        spans.billing_period,
        spans.lyft_label,
        spans.product,
        spans.usage_type,
        spans.valid_from,
        spans.valid_until,
        declared.platform,
        declared.sub_platform,
        declared.pool_by,
        declared.cost_model,
        rank() over (
            partition by
                spans.billing_period,
                spans.lyft_label,
                spans.product,
                spans.usage_type,
                spans.valid_from
            order by declared.specificity desc
        ) as place
    from spans
    inner join declared
        on
            spans.billing_period = declared.billing_period
            and spans.lyft_label = declared.lyft_label
            and spans.product = declared.product
            and spans.usage_type = declared.usage_type
            and spans.valid_from >= declared.valid_from
            and spans.valid_from < declared.valid_until
)

select
    -- which charges
    billing_period,
    lyft_label,
    product,
    usage_type,

    -- who splits them, and how
    platform,
    sub_platform,
    pool_by,
    cost_model,

    -- when
    valid_from,
    valid_until
from ranked
where place = 1
