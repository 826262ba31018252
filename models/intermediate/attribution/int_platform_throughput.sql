-- The throughput of each platform: for every schedule that splits a charge, which part of it
-- reaches which other sub-platform, at any level, and how much of that is free there; for the
-- schedule itself, only how much is free, since it splits the whole charge. Both before free
-- capacity is reallocated.
{{ config(materialized='view', meta={'month': 'usage_month'}) }}

{% set through = [
    'usage_month', 'usage_hour', 'interval_hours', 'platform', 'sub_platform', 'capacity_pool',
    'cost_model', 'last_platform', 'last_sub_platform', 'last_capacity_pool'
] %}

with

levels as (
    select * from {{ ref('int_allocation_levels') }}
    where is_measured and (level > 1 or lyft_label = 'free')
)

select
    -- which schedule splits the charge, and through which platform
    {{ through | join(',\n    ') }},

    -- how much
    cast(sum(case when level > 1 then proportion else 0 end) as decimal(11, 10)) as proportion,
    cast(sum(case when lyft_label = 'free' then proportion else 0 end) as decimal(11, 10))
        as free_proportion
from levels
group by {{ through | join(', ') }}
