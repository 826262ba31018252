-- How a charge is split in the end, over all levels of platforms: for every schedule that splits a
-- charge, each label's part of it, through which platforms. The part that returns to the charge's
-- own label has no label here, because only the charge knows it.
{{ config(materialized='view', meta={'month': 'usage_month'}) }}

with

schedules as (
    select * from {{ ref('int_schedules') }}
    where is_served and next_platform is null
),

parts as (
    select * from {{ ref('int_parts') }}
    where
        is_served
        and (next_platform is null or is_a_circle or level = {{ deepest_level() }})
)

select
    -- which schedule splits the charge
    usage_month,
    usage_hour,
    interval_hours,
    platform,
    sub_platform,
    capacity_pool,
    cost_model,

    -- which platforms split it, the last one first
    platform as last_platform,
    sub_platform as last_sub_platform,
    capacity_pool as last_capacity_pool,
    cost_model as last_cost_model,
    cast(null as {{ dbt.type_string() }}) as via,

    -- who gets how much of it
    case when not goes_back then lyft_label end as lyft_label,
    proportion,

    -- how well it is known
    basis
from schedules
union all
select
    usage_month,
    usage_hour,
    interval_hours,
    platform,
    sub_platform,
    capacity_pool,
    cost_model,
    last_platform,
    last_sub_platform,
    'all' as last_capacity_pool,
    last_cost_model,
    via,
    case when goes_back then label_before else lyft_label end as lyft_label,
    cast(sum(proportion) as decimal(11, 10)) as proportion,
    {{ basis_of_rank('basis_rank') }} as basis
from parts
group by
    usage_month,
    usage_hour,
    interval_hours,
    platform,
    sub_platform,
    capacity_pool,
    cost_model,
    last_platform,
    last_sub_platform,
    last_cost_model,
    via,
    case when goes_back then label_before else lyft_label end,
    basis_rank
