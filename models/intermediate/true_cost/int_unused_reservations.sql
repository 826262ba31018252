-- AWS bills the unused part of a reservation once a month. Here it is allocated to the hours in
-- which it went unused: in proportion to the normalized units that were reserved and not used
-- (hours, for a service without such units), evenly where those are not known. In an open month
-- AWS's amount may be for the whole month: then hours that have not happened get what they cost if
-- nobody uses them, as cost to come. The amount allocated equals AWS's amount, per reservation and
-- billing period.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set reservation = ['billing_period', 'payer_account_id', 'reservation_id'] %}
{% set by = reservation + [
    'account_id', 'product', 'usage_type', 'operation', 'region', 'instance_type'
] %}

with

charges as (
    select * from {{ ref('charges') }}
    where {{ in_month('billing_period') }}
),

sizes as (
    select
        {{ reservation | join(', ') }},
        grain_hours,
        {{ units('reservations') }} as reservations,
        {{ units('units_per_reservation') }} as units_per_reservation,
        {{ units('used_reservation_hours') }} as used_reservation_hours,
        started_at,
        first_hour,
        ended_at
    from {{ ref('int_reservation_sizes') }}
    where {{ in_month('billing_period') }}
),

fees as (
    select
        {{ by | join(', ') }},
        {{ units('sum(net_amortized_cost)') }} as cost_units
    from charges
    where charge_class = 'commitment_fee' and pricing_model = 'reserved'
    group by {{ by | join(', ') }}
    having sum(net_amortized_cost) <> 0
),

used as (
    select
        {{ reservation | join(', ') }},
        usage_hour,
        {{ units('sum(coalesce(normalized_usage_amount, usage_amount))') }} as used_units,
        {{ units('sum(net_amortized_cost)') }} as used_cost_units
    from charges
    where reservation_id <> '' and charge_class = 'usage'
    group by {{ reservation | join(', ') }}, usage_hour
),

used_in_all as (
    select
        {{ reservation | join(', ') }},
        sum(used_units) as used_units,
        sum(used_cost_units) as used_cost_units
    from used
    group by {{ reservation | join(', ') }}
),

pools as (
    select
        {{ reservation | join(', ') }},
        min(commitment_pool) as commitment_pool
    from charges
    where reservation_id <> '' and commitment_pool <> ''
    group by {{ reservation | join(', ') }}
),

hours_to_come as (
    select * from {{ ref('int_hours_to_come') }}
    where {{ in_month('billing_period') }}
),

last_hours as (
    select
        billing_period,
        payer_account_id,
        max(usage_hour) as last_hour
    from charges
    where not is_period_charge and bill_source is distinct from 'focus'
    group by billing_period, payer_account_id
),

-- A reservation's size is stated on its fee, or follows from the hours and the units that were
-- used. Rounded down to ten digits: exact products of the units and costs of large reservations
-- have more digits than the engine. A reservation that began within a day has that day for its
-- first interval in a daily report.
sized as (
    select
        {{ 'fees.' ~ by | join(', fees.') }},
        fees.cost_units,
        sum(fees.cost_units) over (
            partition by {{ 'fees.' ~ reservation | join(', fees.') }}
        ) as cost_units_in_all,
        sizes.grain_hours,
        sizes.started_at,
        sizes.first_hour,
        used_in_all.used_units,
        used_in_all.used_cost_units,
        hours_to_come.to_come_from,
        case
            when hours_to_come.to_come_from is null and last_hours.last_hour >= sizes.first_hour
                then least(
                        sizes.ended_at,
                        {{ plus_hours('last_hours.last_hour', 'sizes.grain_hours') }}
                    )
            else sizes.ended_at
        end as ended_at,
        case
            when sizes.units_per_reservation > 0
                then {{ floor_divide(
                        'sizes.reservations * sizes.units_per_reservation', '10000000000'
                    ) }}
            when sizes.used_reservation_hours > 0
                then {{ floor_divide(
                        'sizes.reservations * used_in_all.used_units',
                        'sizes.used_reservation_hours'
                    ) }}
        end as reserved_units
    from fees
    inner join sizes on {{ same('fees', 'sizes', reservation) }}
    left join used_in_all on {{ same('fees', 'used_in_all', reservation) }}
    left join last_hours on {{ same('fees', 'last_hours', ['billing_period', 'payer_account_id']) }}
    left join hours_to_come
        on {{ same('fees', 'hours_to_come', ['billing_period', 'payer_account_id']) }}
),

reserved_hours as (
    select
        *,
        {{ hours_from('first_hour', 'ended_at', 'grain_hours') }} as usage_hour
    from sized
),

-- A fee that is corrected months later is on a bill with charges for both months and none for those
-- in between, which have bills of their own.
hours as (
    select reserved_hours.*
    from reserved_hours
    inner join {{ ref('int_period_months') }} as months
        on
            reserved_hours.billing_period = months.billing_period
            and substr(cast(reserved_hours.usage_hour as {{ dbt.type_string() }}), 1, 7)
            = months.usage_month
),

wasted as (
    select
        hours.*,
        coalesce(hours.usage_hour >= hours.to_come_from, false) as is_to_come,
        greatest(
            coalesce(hours.reserved_units, 0)
            * {{ hours_between(
                'greatest(hours.usage_hour, hours.started_at)',
                'least(hours.ended_at, '
                ~ plus_hours('hours.usage_hour', 'hours.grain_hours') ~ ')'
            ) }}
            - coalesce(used.used_units, 0), 0
        ) as unused_units
    from hours
    left join used on {{ same('hours', 'used', reservation + ['usage_hour']) }}
),

-- Whether AWS means the whole month or the hours so far is not documented: take whichever cost, at
-- the price of what was used, comes nearer to AWS's unused amount. Where nothing was used, it is
-- the whole month, as the dates of the fee say. Doubles suffice: they choose, and are no amount.
spoken_of as (
    select
        {{ by | join(', ') }},
        min(case when is_to_come then 1 else 0 end) = 1
        or coalesce(max(used_units), 0) <= 0
        or coalesce(max(used_cost_units), 0) <= 0
        or 2 * cast(max(cost_units_in_all) as double) * cast(max(used_units) as double)
        > cast(max(used_cost_units) as double) * (
            2 * cast(sum(case when is_to_come then 0 else unused_units end) as double)
            + cast(sum(case when is_to_come then unused_units else 0 end) as double)
        ) as is_whole_month
    from wasted
    group by {{ by | join(', ') }}
),

billed as (
    select wasted.*
    from wasted
    inner join spoken_of on {{ same('wasted', 'spoken_of', by) }}
    where not wasted.is_to_come or spoken_of.is_whole_month
),

{{ allocate_largest_remainder(
    'allocated',
    of='billed',
    by=by,
    weight='unused_units',
    whole='max(cost_units)',
    ties=['usage_hour'],
    keep=['grain_hours', 'is_to_come'],
) }}

select
    -- who
    allocated.billing_period,
    allocated.payer_account_id,
    allocated.account_id,

    -- what
    allocated.product,
    allocated.usage_type,
    allocated.operation,
    allocated.region,
    allocated.instance_type,
    allocated.reservation_id,
    coalesce(pools.commitment_pool, '') as commitment_pool,

    -- what it cost
    {{ from_units('allocated.allocated_units', 'decimal(25, 10)') }} as unused_cost,

    -- when
    allocated.is_to_come,
    allocated.usage_hour,
    allocated.grain_hours as interval_hours
from allocated
left join pools on {{ same('allocated', 'pools', reservation) }}
where allocated.allocated_units <> 0
