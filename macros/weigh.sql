{#-
    The cost models and free capacity. Writes the common table expressions that end in `name`: the
    weights of every label, by cost model, from what the labels requested or used of each resource
    (`of`, shaped like int_gap_filled_usage). Reads the common table expressions `cost_models`
    (shaped like int_platform_cost_models: what a cost model measures, and what a label weighs by it),
    `hours` (like int_schedule_calendar) and `platforms`.

    A share of one resource is counted in whole units: `one` of them are the whole, and `one` is
    divisible by most small denominators.
-#}
{% macro weigh(name, of) -%}
{%- set hour = ['usage_hour', 'platform', 'sub_platform', 'capacity_pool'] -%}
{%- set known = ['schedule_source', 'basis', 'coverage'] -%}
{%- set one = gap_parts() ~ '0000000000000000' -%}

sums as (
    select
        {{ (hour + ['resource'] + known) | join(',\n        ') }},
        sum(case when is_capacity then weight_units else 0 end) as capacity_units,
        sum(case when is_capacity then 0 else weight_units end) as allocated_units
    from {{ of }}
    group by {{ (hour + ['resource'] + known) | join(', ') }}
),

-- Every resource of a pool, once for each cost model that measures it.
totals as (
    select
        cost_models.cost_model,
        cost_models.weighs_by,
        cost_models.price,
        sums.*,
        case when sums.capacity_units = 0 then sums.allocated_units else sums.capacity_units end
            as offered_units
    from sums
    inner join cost_models
        on
            sums.platform = cost_models.platform
            and sums.sub_platform = cost_models.sub_platform
            and sums.schedule_source = cost_models.schedule_source
            and sums.resource = cost_models.resource
),

-- A share is of the capacity, or of all requests or use if they are more. Where resources count at
-- their price, requests or use beyond the capacity are scaled down to it, and if free capacity is
-- spread, use is scaled up to it.
counted as (
    select
        {%- for column in hour + ['cost_model', 'weighs_by'] + known %}
        totals.{{ column }},
        {%- endfor %}
        weights.lyft_label,
        case totals.weighs_by
            when 'presence' then 1
            when 'largest_share'
                then {{ product_over(
                    'weights.weight_units', one,
                    'greatest(totals.capacity_units, totals.allocated_units)'
                ) }}
            when 'price'
                then totals.price * case
                    when totals.allocated_units > totals.offered_units
                        then {{ product_over(
                            'weights.weight_units', 'totals.offered_units', 'totals.allocated_units'
                        ) }}
                    else weights.weight_units
                end
            else weights.weight_units
        end as weight_units,
        case
            when totals.weighs_by = 'price'
                then totals.price * {{ product_over(
                    'weights.weight_units', 'totals.offered_units', 'totals.allocated_units'
                ) }}
        end as spread_units
    from {{ of }} as weights
    inner join totals on {{ same('weights', 'totals', hour + ['resource']) }}
    where
        not weights.is_capacity
        and weights.weight_units > 0
        and not (totals.weighs_by = 'presence' and weights.lyft_label = 'free')
),

-- Prices are added up; of shares the largest is taken; all others have one row.
labels as (
    select
        {{ (hour + ['cost_model', 'weighs_by', 'lyft_label'] + known) | join(',\n        ') }},
        case when weighs_by = 'price' then sum(weight_units) else max(weight_units) end
            as weight_units,
        case when weighs_by = 'price' then sum(spread_units) else max(weight_units) end
            as spread_units
    from counted
    group by {{ (hour + ['cost_model', 'weighs_by', 'lyft_label'] + known) | join(', ') }}
),

-- Every share was rounded down by less than one of these units.
shares as (
    select
        {{ (hour + ['cost_model']) | join(',\n        ') }},
        sum(weight_units) as share_units,
        sum(weight_units) + count(*) as most_share_units
    from labels
    where weighs_by = 'largest_share'
    group by {{ (hour + ['cost_model']) | join(', ') }}
),

-- What is free. An hour in which nobody used anything weighs as much as any other.
rest as (
    select
        {%- for column in hour + ['cost_model', 'weighs_by'] + known %}
        totals.{{ column }},
        {%- endfor %}
        case
            when totals.weighs_by <> 'largest_share'
                then sum(totals.price * greatest(totals.capacity_units - totals.allocated_units, 0))
            when
                max(totals.capacity_units) > 0
                and coalesce(max(shares.most_share_units), 0) <= {{ one }}
                then {{ one }} - coalesce(max(shares.share_units), 0)
        end as weight_units,
        sum(
            case when totals.allocated_units = 0 then totals.price * totals.capacity_units else 0 end
        ) as unused_units
    from totals
    left join shares on {{ same('totals', 'shares', hour + ['cost_model']) }}
    where totals.weighs_by <> 'presence'
    group by
        {%- for column in hour + ['cost_model', 'weighs_by'] + known %}
        totals.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
),

-- As measured, before free capacity is reallocated. A pool without any label, and an hour without
-- any pool, are free in any case; an hour of which nothing is known is unattributed.
asked as (
    select distinct
        {{ (hour + ['cost_model', 'weighs_by'] + known) | join(',\n        ') }}
    from totals
    union distinct
    select
        hours.usage_hour,
        hours.platform,
        hours.sub_platform,
        'all' as capacity_pool,
        cost_models.cost_model,
        cost_models.weighs_by,
        hours.schedule_source,
        hours.basis,
        hours.coverage
    from hours
    inner join cost_models
        on
            hours.platform = cost_models.platform
            and hours.sub_platform = cost_models.sub_platform
            and hours.schedule_source = cost_models.schedule_source
),

answers as (
    select
        {{ (hour + ['cost_model', 'weighs_by', 'lyft_label'] + known) | join(',\n        ') }},
        weight_units,
        spread_units,
        1 as is_weighed
    from labels
    union all
    select
        {{ (hour + ['cost_model', 'weighs_by']) | join(',\n        ') }},
        'free' as lyft_label,
        {{ known | join(',\n        ') }},
        weight_units,
        case when weighs_by = 'price' then unused_units else weight_units end as spread_units,
        1 as is_weighed
    from rest
    where weight_units > 0
    union all
    select
        {{ (hour + ['cost_model', 'weighs_by']) | join(',\n        ') }},
        case when basis = 'unattributed' then 'unattributed' else 'free' end as lyft_label,
        {{ known | join(',\n        ') }},
        0 as weight_units,
        0 as spread_units,
        0 as is_weighed
    from asked
),

answered as (
    select
        *,
        max(is_weighed) over (partition by {{ (hour + ['cost_model']) | join(', ') }})
            as pool_is_weighed
    from answers
),

-- Where free capacity was ever spread there are two sets of weights: as measured, and as they split
-- the spend.
spreaders as (
    select distinct
        platform,
        sub_platform
    from platforms
    where free_policy = 'spread'
),

sets as (
    select true as is_measured
    union all
    select false as is_measured
),

spread as (
    select
        answered.*,
        spreaders.platform is not null as was_ever_spread,
        platforms.free_policy = 'spread' as is_spread,
        sum(case when answered.lyft_label = 'free' then 0 else answered.spread_units end) over (
            partition by
                {%- for column in hour + ['cost_model'] %}
                answered.{{ column }}{{ ',' if not loop.last }}
                {%- endfor %}
        ) as spread_units_of_pool
    from answered
    left join spreaders
        on
            answered.platform = spreaders.platform
            and answered.sub_platform = spreaders.sub_platform
    left join platforms
        on
            answered.platform = platforms.platform
            and answered.sub_platform = platforms.sub_platform
            and answered.usage_hour >= platforms.valid_from
            and answered.usage_hour < platforms.valid_until
    where answered.is_weighed = answered.pool_is_weighed
),

{{ name }} as (
    select
        {%- for column in hour + ['cost_model', 'lyft_label'] + known %}
        spread.{{ column }},
        {%- endfor %}
        not (spread.was_ever_spread and sets.is_measured) as is_served,
        sets.is_measured,
        cast(
            case
                when spread.is_spread and not sets.is_measured then spread.spread_units
                else spread.weight_units
            end
            as {{ whole_number() }}
        ) as weight_units
    from spread
    cross join sets
    where
        sets.is_measured
        or (
            spread.was_ever_spread
            and (
                not spread.is_spread
                or spread.lyft_label <> 'free'
                or spread.spread_units_of_pool = 0
                or (spread.weighs_by = 'price' and spread.spread_units > 0)
            )
        )
)
{%- endmacro %}
