-- Why a label's spend changed from one billing period to the next: by the hours of the month that
-- the bill covers, by volume, by list price, or by the discount of commitments and negotiated
-- rates. Each effect is the difference between two steps of a chain: the earlier spend; the
-- same for as many hours as in the later period; at the later volume; at the later list price; the
-- later spend. So the effects add up to the change to the last digit. A platform's cost is
-- decomposed first, by usage type. A label whose share of it changed uses more or less of it; the
-- rest of the platform's change is allocated to labels by their later shares.
{{ config(materialized='table', meta={'month': 'billing_period'}) }}

{% set who = ['lyft_label', 'platform', 'sub_platform', 'product', 'usage_type'] %}
{% set steps = [
    'spend_before', 'spend_at_length', 'spend_at_volume', 'spend_at_price', 'spend_now'
] %}
{% set most = '1000000' %}

with

by_usage_type as (
    select * from {{ ref('int_costs_by_usage_type') }}
),

split as (
    select
        billing_period,
        lyft_label,
        platform,
        sub_platform,
        coalesce(product, '') as product,
        cast(sum(spend) as decimal(38, 20)) as spend
    from {{ ref('daily_spend_unowned') }}
    where platform is not null
    group by billing_period, lyft_label, platform, sub_platform, coalesce(product, '')
),

with_usage as (
    select distinct
        platform,
        sub_platform,
        product
    from by_usage_type
    where platform is not null
),

-- A platform's spend that comes only from another platform has neither volume nor list price.
stacked as (
    select
        split.billing_period,
        split.platform,
        split.sub_platform,
        split.product,
        cast(sum(split.spend) as decimal(38, 20)) as spend
    from split
    where
        not exists (
            select 1
            from with_usage
            where
                split.platform = with_usage.platform
                and split.sub_platform = with_usage.sub_platform
                and split.product = with_usage.product
        )
    group by split.billing_period, split.platform, split.sub_platform, split.product
),

-- A charge that no platform splits has no platform, and a platform itself no label.
costs as (
    select
        billing_period,
        {{ who | join(',\n        ') }},
        volume,
        list_cost,
        spend,
        period_spend
    from by_usage_type
    union all
    select
        billing_period,
        cast(null as {{ dbt.type_string() }}) as lyft_label,
        platform,
        sub_platform,
        product,
        '' as usage_type,
        cast(0 as decimal(38, 10)) as volume,
        cast(0 as decimal(38, 10)) as list_cost,
        spend,
        cast(0 as decimal(38, 20)) as period_spend
    from stacked
    union all
    select
        billing_period,
        lyft_label,
        platform,
        sub_platform,
        product,
        '' as usage_type,
        cast(0 as decimal(38, 10)) as volume,
        cast(0 as decimal(38, 10)) as list_cost,
        spend,
        cast(0 as decimal(38, 20)) as period_spend
    from split
),

lengths as (
    select
        billing_period,
        max(
            case
                when usage_month = billing_period
                    then {{ hours_between('usage_first_hour', 'usage_end_hour') }}
            end
        ) as hours
    from {{ ref('int_period_months') }}
    group by billing_period
),

neighbours as (
    select
        billing_period,
        lag(billing_period) over (order by billing_period) as previous_period,
        hours,
        lag(hours) over (order by billing_period) as previous_hours
    from lengths
),

-- A label that spent in one of two periods has a row for both.
seen as (
    select
        neighbours.billing_period,
        neighbours.previous_period,
        neighbours.hours,
        neighbours.previous_hours,
        {{ 'costs.' ~ who | join(',\n        costs.') }}
    from costs
    inner join neighbours
        on
            costs.billing_period = neighbours.billing_period
            or costs.billing_period = neighbours.previous_period
    where neighbours.previous_period is not null
    group by
        neighbours.billing_period,
        neighbours.previous_period,
        neighbours.hours,
        neighbours.previous_hours,
        {{ 'costs.' ~ who | join(',\n        costs.') }}
),

compared as (
    select
        seen.*,
        coalesce(earlier.volume, 0) as volume_before,
        coalesce(later.volume, 0) as volume_now,
        coalesce(earlier.list_cost, 0) as list_before,
        coalesce(later.list_cost, 0) as list_now,
        cast(
            coalesce(earlier.spend, 0) - coalesce(earlier.period_spend, 0) as decimal(38, 10)
        ) as hourly_before,
        cast(coalesce(earlier.spend, 0) as decimal(38, 20)) as spend_before,
        cast(coalesce(later.spend, 0) as decimal(38, 20)) as spend_now
    from seen
    {%- for costs_of, period in [('earlier', 'previous_period'), ('later', 'billing_period')] %}
        left join costs as {{ costs_of }}
            on
                seen.{{ period }} = {{ costs_of }}.billing_period
                and seen.lyft_label is not distinct from {{ costs_of }}.lyft_label
                and seen.platform is not distinct from {{ costs_of }}.platform
                and seen.sub_platform is not distinct from {{ costs_of }}.sub_platform
                and seen.product = {{ costs_of }}.product
                and seen.usage_type = {{ costs_of }}.usage_type
    {%- endfor %}
),

-- New usage is a change of volume. An earlier volume below a millionth of the present one, where
-- usage and its corrections almost cancel, counts as none.
at_length as (
    select
        *,
        spend_before + case
            when previous_hours > 0 and hours > 0
                then {{ scaled_by_part(
                        'hourly_before', 'hours - previous_hours', 'previous_hours'
                    ) }}
            else 0
        end as spend_at_length,
        volume_before > 0
        and volume_now >= 0
        and {{ units('volume_now') }} <= {{ units('volume_before') }} * {{ most }}
            as has_volumes,
        (volume_before = 0 and spend_before = 0)
        or (
            volume_before > 0
            and {{ units('volume_now') }} > {{ units('volume_before') }} * {{ most }}
        ) as is_new
    from compared
),

at_volume as (
    select
        *,
        cast(
            case
                when is_new then spend_now
                when has_volumes
                    then spend_before + {{ scaled_by_part(
                            'spend_before', 'volume_now - volume_before', 'volume_before'
                        ) }}
                else spend_at_length
            end as decimal(38, 20)
        ) as spend_at_volume
    from at_length
),

at_price as (
    select
        *,
        cast(
            case
                when
                    not is_new
                    and list_before > 0
                    and list_now > 0
                    and {{ units('list_now') }} <= {{ units('list_before') }} * {{ most }}
                    then spend_before + {{ scaled_by_part(
                            'spend_before', 'list_now - list_before', 'list_before'
                        ) }}
                else spend_now
            end as decimal(38, 20)
        ) as spend_at_price
    from at_volume
),

direct as (
    select
        billing_period,
        previous_period,
        {{ who | join(',\n        ') }},
        spend_before,
        spend_now,
        spend_at_length - spend_before as length_effect,
        spend_at_volume - spend_at_length as volume_effect,
        spend_at_price - spend_at_volume as rate_effect,
        spend_now - spend_at_price as commitment_effect
    from at_price
    where platform is null
),

-- A platform that cost nothing in one of the two periods, or almost nothing in this one, has no
-- price effects to allocate: its labels use more or less of it.
platforms as (
    select
        billing_period,
        previous_period,
        platform,
        sub_platform,
        product,
        {%- for step in steps %}
            cast(sum({{ step }}) as decimal(38, 10)) as {{ step }},
        {%- endfor %}
        sum(spend_before) > 0
        and sum(spend_now) > 0
        {%- for step in steps[:4] %}
            and {{ units('abs(sum(' ~ step ~ '))') }}
            <= {{ units('sum(spend_now)') }} * {{ most }}
        {%- endfor %} as is_compared
    from at_price
    where platform is not null and lyft_label is null
    group by billing_period, previous_period, platform, sub_platform, product
),

-- The label's share of the platform's cost at each step of the chain.
shares_of_platforms as (
    select
        labels.billing_period,
        labels.previous_period,
        {%- for column in who %}
            labels.{{ column }},
        {%- endfor %}
        labels.spend_before,
        {%- for step in steps[:4] %}
            cast(
                labels.spend_now + case
                    when platforms.is_compared
                        then {{ scaled_by_part(
                                'labels.spend_now',
                                'platforms.' ~ step ~ ' - platforms.spend_now',
                                'platforms.spend_now'
                            ) }}
                    else 0
                end as decimal(38, 20)
            ) as part_of_{{ step }},
        {%- endfor %}
        labels.spend_now
    from at_price as labels
    left join platforms
        on
            labels.billing_period = platforms.billing_period
            and labels.platform = platforms.platform
            and labels.sub_platform = platforms.sub_platform
            and labels.product = platforms.product
    where labels.platform is not null and labels.lyft_label is not null
),

effects as (
    select * from direct
    union all
    select
        billing_period,
        previous_period,
        {{ who | join(',\n        ') }},
        spend_before,
        spend_now,
        part_of_spend_at_length - part_of_spend_before as length_effect,
        part_of_spend_before - spend_before
        + part_of_spend_at_volume - part_of_spend_at_length as volume_effect,
        part_of_spend_at_price - part_of_spend_at_volume as rate_effect,
        spend_now - part_of_spend_at_price as commitment_effect
    from shares_of_platforms
),

open_periods as (
    select * from {{ ref('int_open_periods') }}
)

select
    -- when
    effects.billing_period,
    effects.previous_period,
    open_periods.billing_period is null as is_complete,

    -- what it cost, and what moved it
    effects.spend_now as spend,
    effects.spend_before as previous_spend,
    cast(effects.length_effect as decimal(38, 20)) as length_effect,
    cast(effects.volume_effect as decimal(38, 20)) as volume_effect,
    cast(effects.rate_effect as decimal(38, 20)) as rate_effect,
    cast(effects.commitment_effect as decimal(38, 20)) as commitment_effect,

    -- who
    effects.lyft_label,

    -- through which platform
    effects.platform,
    effects.sub_platform,

    -- what
    nullif(effects.product, '') as product,
    nullif(effects.usage_type, '') as usage_type
from effects
left join open_periods on effects.billing_period = open_periods.billing_period
