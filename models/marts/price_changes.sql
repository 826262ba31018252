-- Why a label's spend changed from one billing period to the next: by volume, by price, or by how
-- much of it commitments and discounts paid. Each effect is the difference between two neighbours
-- of a chain: the spend of before; the same at the volume of now; the same at the list price of
-- now; the spend of later. So the effects add up to the change to the last digit. Of what a
-- platform splits, the volume is the label's part of the platform, and the price is what the
-- platform cost.
{{ config(materialized='table', meta={'month': 'billing_period'}) }}

with

spend as (
    select * from {{ ref('monthly_spend') }}
    where platform is not null
),

direct as (
    select * from {{ ref('int_direct_costs') }}
),

platform_costs as (
    select
        billing_period,
        platform,
        sub_platform,
        product,
        cast(sum(spend) as decimal(38, 10)) as platform_cost
    from spend
    group by billing_period, platform, sub_platform, product
),

split as (
    select
        billing_period,
        lyft_label,
        platform,
        sub_platform,
        product,
        cast(sum(spend) as decimal(38, 20)) as spend
    from spend
    group by billing_period, lyft_label, platform, sub_platform, product
),

costs as (
    select
        billing_period,
        lyft_label,
        cast(null as {{ dbt.type_string() }}) as platform,
        cast(null as {{ dbt.type_string() }}) as sub_platform,
        product,
        usage_type,
        volume,
        list_cost,
        spend
    from direct
    union all
    select
        billing_period,
        lyft_label,
        platform,
        sub_platform,
        coalesce(product, '') as product,
        '' as usage_type,
        cast(null as decimal(38, 10)) as volume,
        cast(null as decimal(38, 10)) as list_cost,
        spend
    from split
),

billing_periods as (
    select distinct billing_period
    from {{ ref('int_period_months') }}
),

neighbours as (
    select
        billing_period,
        lag(billing_period) over (order by billing_period) as previous_period
    from billing_periods
),

-- A label that spent in one of two periods has a row for both.
seen as (
    select
        neighbours.billing_period,
        neighbours.previous_period,
        costs.lyft_label,
        costs.platform,
        costs.sub_platform,
        costs.product,
        costs.usage_type
    from costs
    inner join neighbours
        on
            costs.billing_period = neighbours.billing_period
            or costs.billing_period = neighbours.previous_period
    where neighbours.previous_period is not null
    group by
        neighbours.billing_period,
        neighbours.previous_period,
        costs.lyft_label,
        costs.platform,
        costs.sub_platform,
        costs.product,
        costs.usage_type
),

compared as (
    select
        seen.billing_period,
        seen.previous_period,
        seen.lyft_label,
        seen.platform,
        seen.sub_platform,
        seen.product,
        seen.usage_type,
        coalesce(earlier.volume, 0) as volume_before,
        coalesce(later.volume, 0) as volume_now,
        coalesce(earlier.list_cost, 0) as list_before,
        coalesce(later.list_cost, 0) as list_now,
        coalesce(before_costs.platform_cost, 0) as platform_before,
        coalesce(now_costs.platform_cost, 0) as platform_now,
        cast(coalesce(earlier.spend, 0) as decimal(38, 20)) as spend_before,
        cast(coalesce(later.spend, 0) as decimal(38, 20)) as spend_now
    from seen
    left join costs as earlier
        on
            seen.previous_period = earlier.billing_period
            and seen.lyft_label = earlier.lyft_label
            and seen.platform is not distinct from earlier.platform
            and seen.sub_platform is not distinct from earlier.sub_platform
            and seen.product = earlier.product
            and seen.usage_type = earlier.usage_type
    left join costs as later
        on
            seen.billing_period = later.billing_period
            and seen.lyft_label = later.lyft_label
            and seen.platform is not distinct from later.platform
            and seen.sub_platform is not distinct from later.sub_platform
            and seen.product = later.product
            and seen.usage_type = later.usage_type
    left join platform_costs as before_costs
        on
            seen.previous_period = before_costs.billing_period
            and seen.platform = before_costs.platform
            and seen.sub_platform = before_costs.sub_platform
            and seen.product = coalesce(before_costs.product, '')
    left join platform_costs as now_costs
        on
            seen.billing_period = now_costs.billing_period
            and seen.platform = now_costs.platform
            and seen.sub_platform = now_costs.sub_platform
            and seen.product = coalesce(now_costs.product, '')
),

chained as (
    select
        *,
        cast(
            case
                when platform is not null and platform_before > 0 and platform_now > 0
                    then {{ scaled_by_part('spend_now_digits', 'platform_before', 'platform_now') }}
                when platform is null and volume_before > 0 and volume_now >= 0
                    then {{ scaled_by_part('spend_before_digits', 'volume_now', 'volume_before') }}
                when volume_before = 0 and spend_before = 0 then spend_now
                else spend_before
            end as decimal(38, 20)
        ) as spend_at_volume_now
    from (
        select
            *,
            cast(spend_before as decimal(38, 10)) as spend_before_digits,
            cast(spend_now as decimal(38, 10)) as spend_now_digits
        from compared
    ) as rounded
),

priced as (
    select
        *,
        cast(
            case
                when platform is null and volume_before > 0 and list_before > 0 and list_now > 0
                    then {{ scaled_by_part('spend_before_digits', 'list_now', 'list_before') }}
                when platform is null and spend_before = 0 then spend_at_volume_now
                else spend_now
            end as decimal(38, 20)
        ) as spend_at_price_now
    from chained
)

select
    -- who
    billing_period,
    previous_period,
    lyft_label,

    -- through which platform
    platform,
    sub_platform,

    -- what
    nullif(product, '') as product,
    nullif(usage_type, '') as usage_type,

    -- what it cost, and what moved it
    spend_before as previous_spend,
    spend_now as spend,
    cast(spend_at_volume_now - spend_before as decimal(38, 20)) as volume_effect,
    cast(spend_at_price_now - spend_at_volume_now as decimal(38, 20)) as rate_effect,
    cast(spend_now - spend_at_price_now as decimal(38, 20)) as commitment_effect
from priced
