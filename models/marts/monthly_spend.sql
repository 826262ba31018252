-- What each label spends in a billing period, for whom and through which platforms: the shortest
-- answer. A view of daily_spend, whose owners are those of each hour and those of today.
{{ config(materialized='view', meta={'month': 'billing_period'}) }}

select
    -- when
    billing_period,

    -- what it cost
    cast(sum(spend) as decimal(38, 20)) as spend,
    cast(sum(invoiced_cost) as decimal(38, 20)) as invoiced_cost,
    cast(sum(net_amortized_cost) as decimal(38, 20)) as net_amortized_cost,

    -- who
    lyft_label,
    team,
    org,
    current_team,
    current_org,

    -- through which platform
    platform,
    sub_platform,

    -- what
    product,
    charge_class
from {{ ref('daily_spend') }}
group by
    billing_period,
    lyft_label,
    team,
    org,
    current_team,
    current_org,
    platform,
    sub_platform,
    product,
    charge_class
