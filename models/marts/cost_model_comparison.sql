-- The same hours of the last days under every cost model: who would pay what if a platform's owner
-- switched. Only charges that the platform's own cost model splits are compared, hour by hour.

with

charges as (
    select * from {{ ref('int_platform_charges') }}
    where interval_hours = 1
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

schedules as (
    select * from {{ ref('int_compared_schedules') }}
),

compared as (
    select
        cast(charges.usage_hour as date) as usage_date,
        charges.platform,
        charges.sub_platform,
        schedules.lyft_label,
        schedules.cost_model,
        schedules.cost_model = platforms.cost_model as is_current,
        charges.true_cost * schedules.proportion as spend
    from charges
    inner join platforms
        on
            charges.platform = platforms.platform
            and charges.sub_platform = platforms.sub_platform
            and charges.cost_model = platforms.cost_model
            and charges.usage_hour >= platforms.valid_from
            and charges.usage_hour < platforms.valid_until
    inner join schedules
        on
            charges.usage_hour = schedules.usage_hour
            and charges.platform = schedules.platform
            and charges.sub_platform = schedules.sub_platform
            and charges.capacity_pool = schedules.capacity_pool
),

by_model as (
    select
        usage_date,
        platform,
        sub_platform,
        lyft_label,
        cost_model,
        max(case when is_current then 1 else 0 end) as is_current,
        sum(spend) as spend
    from compared
    group by usage_date, platform, sub_platform, lyft_label, cost_model
),

current_spend as (
    select
        usage_date,
        platform,
        sub_platform,
        lyft_label,
        sum(spend) as spend
    from compared
    where is_current
    group by usage_date, platform, sub_platform, lyft_label
),

cost_models as (
    select
        usage_date,
        platform,
        sub_platform,
        cost_model,
        max(is_current) = 1 as is_current
    from by_model
    group by usage_date, platform, sub_platform, cost_model
),

labels as (
    select distinct
        usage_date,
        platform,
        sub_platform,
        lyft_label
    from by_model
)

select
    -- when
    labels.usage_date,

    -- what it would cost
    cast(coalesce(by_model.spend, 0) as decimal(38, 20)) as spend,
    cast(coalesce(current_spend.spend, 0) as decimal(38, 20)) as current_spend,

    -- who
    labels.platform,
    labels.sub_platform,
    labels.lyft_label,

    -- under which cost model
    cost_models.cost_model,
    cost_models.is_current
from labels
inner join cost_models
    on
        labels.usage_date = cost_models.usage_date
        and labels.platform = cost_models.platform
        and labels.sub_platform = cost_models.sub_platform
left join by_model
    on
        labels.usage_date = by_model.usage_date
        and labels.platform = by_model.platform
        and labels.sub_platform = by_model.sub_platform
        and labels.lyft_label = by_model.lyft_label
        and cost_models.cost_model = by_model.cost_model
left join current_spend
    on
        labels.usage_date = current_spend.usage_date
        and labels.platform = current_spend.platform
        and labels.sub_platform = current_spend.sub_platform
        and labels.lyft_label = current_spend.lyft_label
