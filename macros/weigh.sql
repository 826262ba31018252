{#-
    The cost models and free capacity. Writes the common table expressions that end in `name`: the
    weights of every label, by cost model, from what the labels requested or used of each resource
    (`of`, shaped like int_gap_filled_usage). Reads the common table expressions `cost_models`
    (shaped like int_platform_cost_models), `hours` (like int_schedule_calendar) and `platforms`.

    A share of one resource is counted in whole units: `one` of them are the whole, and `one` is
    divisible by most small denominators.
-#}
{% macro weigh(name, of) -%}
{%- set hour = ['usage_hour', 'platform', 'sub_platform', 'capacity_pool'] -%}
{%- set known = ['schedule_source', 'basis', 'coverage'] -%}
{%- set one = gap_parts() ~ '0000000000000000' -%}
{%- set price = resource_weight('resource') -%}

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

held as (
    select
        totals.*,
        weights.lyft_label,
        weights.weight_units
    from {{ of }} as weights
    inner join totals on {{ same('weights', 'totals', hour + ['resource']) }}
    where not weights.is_capacity and weights.weight_units > 0
),

-- One resource, or what an owner pushed: what each label requested or used, and what is free.
single as (
    select
        {{ (hour + ['cost_model', 'lyft_label'] + known) | join(',\n        ') }},
        weight_units
    from held
    where cost_model not in ('max', 'weighted', 'even')
    union all
    select
        {{ (hour + ['cost_model']) | join(',\n        ') }},
        'free' as lyft_label,
        {{ known | join(',\n        ') }},
        capacity_units - allocated_units as weight_units
    from totals
    where cost_model not in ('max', 'weighted', 'even') and capacity_units > allocated_units
),

-- Every label that was present pays the same.
present as (
    select distinct
        {{ (hour + ['lyft_label'] + known) | join(',\n        ') }}
    from held
    where cost_model = 'even' and lyft_label <> 'free'
),

-- Each label counts with the largest of its shares.
largest_shares as (
    select
        {{ (hour + ['lyft_label'] + known) | join(',\n        ') }},
        max(
            {{ product_over('weight_units', one, 'greatest(capacity_units, allocated_units)') }}
        ) as weight_units
    from held
    where cost_model = 'max'
    group by {{ (hour + ['lyft_label'] + known) | join(', ') }}
),

max_pools as (
    select distinct
        {{ (hour + known) | join(',\n        ') }}
    from totals
    where cost_model = 'max' and capacity_units > 0
),

-- An hour in which nobody used anything weighs as much as any other.
largest_rest as (
    select
        {%- for column in hour + known %}
        offered.{{ column }},
        {%- endfor %}
        {{ one }} - coalesce(sum(shares.weight_units), 0) as weight_units
    from max_pools as offered
    left join largest_shares as shares
        on
            {%- for column in hour %}
            {{ 'and ' if not loop.first }}offered.{{ column }} = shares.{{ column }}
            {%- endfor %}
    group by
        {%- for column in hour + known %}
        offered.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    -- Every share was rounded down by less than one of these units.
    having coalesce(sum(shares.weight_units), 0) + count(shares.weight_units) <= {{ one }}
),

-- All resources count at their price; requests or use beyond the capacity are scaled down to it.
priced_holdings as (
    select
        {{ (hour + ['lyft_label'] + known) | join(',\n        ') }},
        sum(
            {{ price }}
            * case
                when allocated_units > offered_units
                    then {{ product_over('weight_units', 'offered_units', 'allocated_units') }}
                else weight_units
            end
        ) as weight_units,
        sum(
            {{ price }} * {{ product_over('weight_units', 'offered_units', 'allocated_units') }}
        ) as spread_units
    from held
    where cost_model = 'weighted'
    group by {{ (hour + ['lyft_label'] + known) | join(', ') }}
),

priced_rest as (
    select
        {{ (hour + known) | join(',\n        ') }},
        sum({{ price }} * greatest(capacity_units - allocated_units, 0)) as weight_units,
        sum(case when allocated_units = 0 then {{ price }} * capacity_units else 0 end)
            as spread_units
    from totals
    where cost_model = 'weighted'
    group by {{ (hour + known) | join(', ') }}
),

-- As measured, before free capacity is reallocated.
weighed as (
    select
        {{ (hour + ['cost_model', 'lyft_label'] + known) | join(',\n        ') }},
        weight_units,
        weight_units as spread_units
    from single
    union all
    select
        {{ hour | join(',\n        ') }},
        'even' as cost_model,
        {{ (['lyft_label'] + known) | join(',\n        ') }},
        1 as weight_units,
        1 as spread_units
    from present
    union all
    select
        {{ hour | join(',\n        ') }},
        'max' as cost_model,
        {{ (['lyft_label'] + known) | join(',\n        ') }},
        weight_units,
        weight_units as spread_units
    from largest_shares
    union all
    select
        {{ hour | join(',\n        ') }},
        'max' as cost_model,
        'free' as lyft_label,
        {{ known | join(',\n        ') }},
        weight_units,
        weight_units as spread_units
    from largest_rest
    union all
    select
        {{ hour | join(',\n        ') }},
        'weighted' as cost_model,
        {{ (['lyft_label'] + known) | join(',\n        ') }},
        weight_units,
        spread_units
    from priced_holdings
    union all
    select
        {{ hour | join(',\n        ') }},
        'weighted' as cost_model,
        'free' as lyft_label,
        {{ known | join(',\n        ') }},
        weight_units,
        spread_units
    from priced_rest
    where weight_units > 0
),

-- A pool without any label, and an hour without any pool, are free in any case; an hour of which
-- nothing is known is unattributed.
asked as (
    select distinct
        {{ (hour + ['cost_model'] + known) | join(',\n        ') }}
    from totals
    union distinct
    select
        hours.usage_hour,
        hours.platform,
        hours.sub_platform,
        'all' as capacity_pool,
        cost_models.cost_model,
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
        *,
        1 as is_weighed
    from weighed
    union all
    select
        {{ (hour + ['cost_model']) | join(',\n        ') }},
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
                or (spread.cost_model = 'weighted' and spread.spread_units > 0)
            )
        )
)
{%- endmacro %}
