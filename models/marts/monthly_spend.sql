-- What each label spends in a billing period, for which team and through which platforms. A view of
-- daily_spend, with the owners of each hour and those of today.
{{ config(materialized='view', meta={'month': 'billing_period'}) }}

with

spend as (
    select * from {{ ref('daily_spend') }}
),

open_periods as (
    select * from {{ ref('int_open_periods') }}
)

select
    -- when
    spend.billing_period,
    open_periods.billing_period is null as is_complete,

    -- what it cost
    cast(sum(spend.spend) as decimal(38, 20)) as spend,
    cast(sum(spend.invoiced_cost) as decimal(38, 20)) as invoiced_cost,
    cast(sum(spend.net_amortized_cost) as decimal(38, 20)) as net_amortized_cost,

    -- who
    spend.lyft_label,
    spend.team,
    spend.org,
    spend.current_team,
    spend.current_org,

    -- through which platform
    spend.platform,
    spend.sub_platform,

    -- what
    spend.product,
    spend.charge_class
from spend
left join open_periods on spend.billing_period = open_periods.billing_period
group by
    spend.billing_period,
    open_periods.billing_period,
    spend.lyft_label,
    spend.team,
    spend.org,
    spend.current_team,
    spend.current_org,
    spend.platform,
    spend.sub_platform,
    spend.product,
    spend.charge_class
