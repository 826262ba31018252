{#-
    The project's one rounding rule: allocation by largest remainder. Writes the common table
    expressions that end in `name`: every row of `of` with `allocated_units`, its part of `whole` in
    proportion to `weight`. Each part is rounded down, and the units left over go one each to the
    largest remainders, ties in the order of `ties`; so the parts of a group `by` add up to its
    whole exactly. A group without any weight is split evenly. All amounts are integers; `whole` is
    a constant or an aggregate; `by` and `ties` together name one row.
-#}
{% macro allocate_largest_remainder(name, of, by, weight, ties, keep, whole='10000000000') -%}
    {{ return(adapter.dispatch('allocate_largest_remainder', 'infraspend')(
        name, of, by, weight, ties, keep, whole
    )) }}
{%- endmacro %}

{% macro duckdb__allocate_largest_remainder(name, of, by, weight, ties, keep, whole) -%}
{%- set one = '10000000000' -%}
{#-
    Above this, a weight times the whole of a schedule needs more than 38 digits, and the division
    takes two steps.
-#}
{%- set fits = '9999999999999999999999999999' -%}
{%- set sure = '1000000000000000' -%}
{%- set rest = '((allocated_weight * 100000) % total_weight)' -%}
{{ name }}_totals as materialized (
    select
        {{ by | join(',\n        ') }},
        sum({{ weight }}) as weight_of_all,
        count(*) as row_count,
        {{ whole }} as whole_units,
        row_number() over () as group_id
    from {{ of }}
    group by {{ by | join(', ') }}
),

{{ name }}_weighed as (
    select
        {%- for column in by + ties + keep %}
        weights.{{ column }},
        {%- endfor %}
        totals.group_id,
        totals.row_count,
        totals.whole_units,
        case when totals.weight_of_all = 0 then 1 else weights.{{ weight }} end as allocated_weight,
        case when totals.weight_of_all = 0 then totals.row_count else totals.weight_of_all end
            as total_weight
    from {{ of }} as weights
    inner join {{ name }}_totals as totals on {{ same('weights', 'totals', by) }}
),

{{ name }}_estimated as (
    select
        *,
        -- Dividing doubles is many times faster than dividing whole numbers of 38 digits, and misses
        -- a result below {{ sure }} by 1 at the most.
        case
            when whole_units between 0 and {{ sure }} and total_weight <= {{ fits }}
                then cast(
                        floor(
                            cast(allocated_weight as double) * cast(whole_units as double)
                            / cast(total_weight as double)
                        ) as bigint
                    )
        end as estimate
    from {{ name }}_weighed
),

{{ name }}_missed as (
    select
        *,
        case
            when estimate is not null then allocated_weight * whole_units - estimate * total_weight
        end as missed
    from {{ name }}_estimated
),

{{ name }}_floored as (
    select
        *,
        case
            when missed < 0 then estimate - 1
            when missed >= total_weight then estimate + 1
            when missed is not null then estimate
            {%- if whole == one %}
            else {{ floor_divide('allocated_weight * 100000', 'total_weight') }} * 100000
                + {{ floor_divide(rest ~ ' * 100000', 'total_weight') }}
            {%- else %}
            else {{ floor_divide('allocated_weight * whole_units', 'total_weight') }}
            {%- endif %}
        end as floor_units
    from {{ name }}_missed
),

{#- Materialized, because DuckDB would copy the division into every reader. -#}
{{ name }}_remainders as materialized (
    select
        * exclude (allocated_weight, estimate, missed),
        case
            when missed < 0 then missed + total_weight
            when missed >= total_weight then missed - total_weight
            when missed is not null then missed
            {%- if whole == one %}
            else ({{ rest }} * 100000) % total_weight
            {%- else %}
            else allocated_weight * whole_units - floor_units * total_weight
            {%- endif %}
        end as remainder,
        row_number() over () as row_id
    from {{ name }}_floored
),

{{ name }}_left_over as (
    select
        group_id,
        max(whole_units) - sum(floor_units) as left_over
    from {{ name }}_remainders
    where row_count > 1
    group by group_id
    having max(whole_units) > sum(floor_units)
),

{{ name }}_ordered as (
    select
        remainders.group_id,
        cast(max(left_over.left_over) as bigint) as left_over,
        list_reverse_sort(list(remainders.remainder)) as remainders
    from {{ name }}_remainders as remainders
    inner join {{ name }}_left_over as left_over on remainders.group_id = left_over.group_id
    group by remainders.group_id
),

{{ name }}_threshold as (
    select
        group_id,
        list_extract(remainders, left_over) as last_remainder,
        left_over + 1 - list_position(remainders, list_extract(remainders, left_over)) as ties_that_win,
        list_extract(remainders, left_over + 1) = list_extract(remainders, left_over) as has_a_loser
    from {{ name }}_ordered
),

{#- Ties are ordered only where there are fewer units left over than tied rows. -#}
{{ name }}_tied as (
    select
        remainders.row_id,
        row_number() over (
            partition by remainders.group_id
            order by
                {%- for column in ties %}
                remainders.{{ column }} nulls last{{ ',' if not loop.last }}
                {%- endfor %}
        ) as tie_rank
    from {{ name }}_remainders as remainders
    inner join {{ name }}_threshold as threshold
        on
            remainders.group_id = threshold.group_id
            and remainders.remainder = threshold.last_remainder
    where threshold.has_a_loser
),

{{ name }} as (
    select
        {%- for column in by + ties + keep %}
        remainders.{{ column }},
        {%- endfor %}
        remainders.floor_units
        + case
            when remainders.remainder > threshold.last_remainder then 1
            when remainders.remainder < threshold.last_remainder then 0
            when tied.tie_rank <= threshold.ties_that_win then 1
            when threshold.last_remainder is not null and tied.row_id is null then 1
            else 0
        end as allocated_units
    from {{ name }}_remainders as remainders
    left join {{ name }}_threshold as threshold on remainders.group_id = threshold.group_id
    left join {{ name }}_tied as tied on remainders.row_id = tied.row_id
)
{%- endmacro %}

{#-
    Spark computes a common table expression again wherever it is named, so that the joins above
    would read `of` eight times. Here it is read once and shuffled once, by `by`. Spark's windows
    spill to disk, and all of them use the same groups.
-#}
{% macro spark__allocate_largest_remainder(name, of, by, weight, ties, keep, whole) -%}
{%- set one = '10000000000' -%}
{%- set fits = '9999999999999999999999999999' -%}
{%- set rest = '((allocated_weight * 100000) % total_weight)' -%}
{%- set group = 'over (partition by ' ~ by | join(', ') ~ ')' -%}
{{ name }}_totals as (
    select
        {{ (by + ties + keep) | join(',\n        ') }},
        cast({{ weight }} as {{ whole_number() }}) as weight_itself,
        sum({{ weight }}) {{ group }} as weight_of_all,
        count(*) {{ group }} as row_count,
        {{ one if whole == one else whole ~ ' ' ~ group }} as whole_units
    from {{ of }}
),

{{ name }}_weighed as (
    select
        {{ (by + ties + keep) | join(',\n        ') }},
        cast(whole_units as {{ whole_number() }}) as whole_units,
        case when weight_of_all = 0 then 1 else weight_itself end as allocated_weight,
        case when weight_of_all = 0 then row_count else weight_of_all end as total_weight
    from {{ name }}_totals
),

{{ name }}_floored as (
    select
        *,
        {%- if whole == one %}
        case
            when total_weight <= {{ fits }}
                then {{ floor_divide('allocated_weight * ' ~ one, 'total_weight') }}
            else {{ floor_divide('allocated_weight * 100000', 'total_weight') }} * 100000
                + {{ floor_divide(rest ~ ' * 100000', 'total_weight') }}
        end as floor_units,
        case
            when total_weight <= {{ fits }} then pmod(allocated_weight * {{ one }}, total_weight)
            else pmod({{ rest }} * 100000, total_weight)
        end as remainder
        {%- else %}
        {{ floor_divide('allocated_weight * whole_units', 'total_weight') }} as floor_units,
        pmod(allocated_weight * whole_units, total_weight) as remainder
        {%- endif %}
    from {{ name }}_weighed
),

{{ name }}_ranked as (
    select
        *,
        whole_units - sum(floor_units) {{ group }} as left_over,
        row_number() over (
            partition by {{ by | join(', ') }}
            order by
                remainder desc,
                {%- for column in ties %}
                {{ column }} nulls last{{ ',' if not loop.last }}
                {%- endfor %}
        ) as place
    from {{ name }}_floored
),

{{ name }} as (
    select
        {{ (by + ties + keep) | join(',\n        ') }},
        floor_units + case when place <= left_over then 1 else 0 end as allocated_units
    from {{ name }}_ranked
)
{%- endmacro %}
