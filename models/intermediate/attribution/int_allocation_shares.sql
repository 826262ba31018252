-- How a charge is split in the end, over all levels of platforms: for every schedule that splits a
-- charge, each label's share of it, and through which platforms. The share that returns to the
-- charge's own label has no label here, because only the charge knows it.
{{ config(materialized='view', meta={'month': 'usage_month'}) }}

{% set share = [
    'usage_month', 'usage_hour', 'interval_hours', 'platform', 'sub_platform', 'capacity_pool',
    'cost_model', 'last_platform', 'last_sub_platform', 'last_capacity_pool', 'last_cost_model',
    'via', 'receiving_label', 'basis_rank'
] %}

with

levels as (
    select * from {{ ref('int_allocation_levels') }}
    where is_served and is_last_level
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
    last_platform,
    last_sub_platform,
    last_capacity_pool,
    last_cost_model,
    via,

    -- who gets how much of it
    receiving_label as lyft_label,
    cast(sum(proportion) as decimal(11, 10)) as proportion,

    -- how well it is known
    {{ basis_of_rank('basis_rank') }} as basis
from levels
group by {{ share | join(', ') }}
