-- AWS bills what was unused of a reservation once a month. Here it goes to the hours that wasted
-- it: to each hour in proportion to the normalized units that were reserved and not used in it
-- (hours, for a service that knows no such units), evenly where that cannot be told. In an open
-- month that may be the whole month's: then hours that have not happened get what they will cost
-- if nobody uses them, and are to come. What goes out is what came in, per reservation and billing
-- period.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set by = [
    'billing_period', 'payer_account_id', 'account_id', 'product', 'usage_type', 'operation',
    'region', 'instance_type', 'reservation_id'
] %}

with

sizes as (
    select
        billing_period,
        payer_account_id,
        reservation_id,
        min(grain_hours) as grain_hours,
        {{ units('max(try_cast(number_of_reservations as decimal(25, 10)))') }} as reservations,
        {{ units('max(try_cast(normalized_units_per_reservation as decimal(25, 10)))') }}
            as units_per_reservation,
        {{ units('sum(usage_amount) - sum(unused_reservation_hours)') }} as used_reservation_hours,
        date_trunc('hour', min(usage_started_at)) as started_at,
        case
            when min(grain_hours) > 1 then date_trunc('day', min(usage_started_at))
            else date_trunc('hour', min(usage_started_at))
        end as first_hour,
        max(usage_ended_at) as ended_at
    from {{ ref('int_line_items_priced') }}
    where {{ in_month('billing_period') }} and line_item_type = 'RIFee'
    group by billing_period, payer_account_id, reservation_id
),

costs as (
    select
        billing_period,
        payer_account_id,
        account_id,
        product,
        usage_type,
        operation,
        region,
        instance_type,
        reservation_id,
        {{ units('sum(net_amortized_cost)') }} as cost_units
    from {{ ref('int_charges_net') }}
    where
        {{ in_month('billing_period') }}
        and charge_class = 'commitment_fee'
        and pricing_model = 'reserved'
    group by
        billing_period,
        payer_account_id,
        account_id,
        product,
        usage_type,
        operation,
        region,
        instance_type,
        reservation_id
    having sum(net_amortized_cost) <> 0
),

costs_in_all as (
    select
        billing_period,
        payer_account_id,
        reservation_id,
        sum(cost_units) as cost_units
    from costs
    group by billing_period, payer_account_id, reservation_id
),

fees as (
    select
        costs.billing_period,
        costs.payer_account_id,
        costs.account_id,
        costs.product,
        costs.usage_type,
        costs.operation,
        costs.region,
        costs.instance_type,
        costs.reservation_id,
        costs.cost_units,
        costs_in_all.cost_units as cost_units_in_all,
        sizes.grain_hours,
        sizes.reservations,
        sizes.units_per_reservation,
        sizes.used_reservation_hours,
        sizes.started_at,
        sizes.first_hour,
        sizes.ended_at
    from costs
    inner join sizes
        on
            costs.billing_period = sizes.billing_period
            and costs.payer_account_id = sizes.payer_account_id
            and costs.reservation_id = sizes.reservation_id
    inner join costs_in_all
        on
            costs.billing_period = costs_in_all.billing_period
            and costs.payer_account_id = costs_in_all.payer_account_id
            and costs.reservation_id = costs_in_all.reservation_id
),

used as (
    select
        billing_period,
        payer_account_id,
        reservation_id,
        usage_hour,
        {{ units('sum(coalesce(normalized_usage_amount, usage_amount))') }} as used_units,
        {{ units('sum(net_amortized_cost)') }} as used_cost_units
    from {{ ref('int_charges_net') }}
    where {{ in_month('billing_period') }} and reservation_id <> '' and charge_class = 'usage'
    group by billing_period, payer_account_id, reservation_id, usage_hour
),

used_in_all as (
    select
        billing_period,
        payer_account_id,
        reservation_id,
        sum(used_units) as used_units,
        sum(used_cost_units) as used_cost_units
    from used
    group by billing_period, payer_account_id, reservation_id
),

pools as (
    select
        billing_period,
        payer_account_id,
        reservation_id,
        min(pool) as pool
    from {{ ref('int_charges_net') }}
    where {{ in_month('billing_period') }} and reservation_id <> '' and pool <> ''
    group by billing_period, payer_account_id, reservation_id
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
    from {{ ref('int_charges_net') }}
    where {{ in_month('billing_period') }} and not is_period_charge
    group by billing_period, payer_account_id
),

-- A reservation's size is stated on its fee, or follows from the hours and the units that were
-- used. Rounded down to ten digits: exact products of what large reservations hold and cost have
-- more digits than the engine has. A reservation that began within a day has that day for its
-- first interval in a daily report.
sized as (
    select
        fees.billing_period,
        fees.payer_account_id,
        fees.account_id,
        fees.product,
        fees.usage_type,
        fees.operation,
        fees.region,
        fees.instance_type,
        fees.reservation_id,
        fees.grain_hours,
        fees.cost_units,
        fees.cost_units_in_all,
        fees.started_at,
        fees.first_hour,
        used_in_all.used_units,
        used_in_all.used_cost_units,
        hours_to_come.to_come_from,
        case
            when hours_to_come.to_come_from is null and last_hours.last_hour >= fees.first_hour
                then least(
                        fees.ended_at, {{ plus_hours('last_hours.last_hour', 'fees.grain_hours') }}
                    )
            else fees.ended_at
        end as ended_at,
        case
            when fees.units_per_reservation > 0
                then {{ floor_divide(
                        'fees.reservations * fees.units_per_reservation', '10000000000'
                    ) }}
            when fees.used_reservation_hours > 0
                then {{ floor_divide(
                        'fees.reservations * used_in_all.used_units', 'fees.used_reservation_hours'
                    ) }}
        end as reserved_units
    from fees
    left join used_in_all
        on
            fees.billing_period = used_in_all.billing_period
            and fees.payer_account_id = used_in_all.payer_account_id
            and fees.reservation_id = used_in_all.reservation_id
    left join last_hours
        on
            fees.billing_period = last_hours.billing_period
            and fees.payer_account_id = last_hours.payer_account_id
    left join hours_to_come
        on
            fees.billing_period = hours_to_come.billing_period
            and fees.payer_account_id = hours_to_come.payer_account_id
),

reserved_hours as (
    select
        *,
        {{ hours_from('first_hour', 'ended_at', 'grain_hours') }} as usage_hour
    from sized
),

-- A fee that is corrected months later is on a bill that has charges for both months, and none for
-- those in between: they were paid for on bills of their own.
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
        hours.billing_period,
        hours.payer_account_id,
        hours.account_id,
        hours.product,
        hours.usage_type,
        hours.operation,
        hours.region,
        hours.instance_type,
        hours.reservation_id,
        hours.grain_hours,
        hours.cost_units,
        hours.cost_units_in_all,
        hours.used_units,
        hours.used_cost_units,
        hours.usage_hour,
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
    left join used
        on
            hours.billing_period = used.billing_period
            and hours.payer_account_id = used.payer_account_id
            and hours.reservation_id = used.reservation_id
            and hours.usage_hour = used.usage_hour
),

-- Whether AWS speaks of the whole month or of the hours so far is not documented: it is whichever
-- of the two costs, at the price of what was used, comes nearer to what AWS says was unused. Where
-- nothing was used, it is the whole month, as the dates of the fee say. Doubles do: this is a
-- choice, and no amount.
spoken_of as (
    select
        {{ by | join(',\n        ') }},
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
    inner join spoken_of
        on
            {%- for column in by %}
                {{ 'and ' if not loop.first }}wasted.{{ column }} = spoken_of.{{ column }}
            {%- endfor %}
    where not wasted.is_to_come or spoken_of.is_whole_month
),

{{ deal(
    'dealt',
    of='billed',
    by=by,
    weight='unused_units',
    whole='max(cost_units)',
    ties=['usage_hour'],
    keep=['grain_hours', 'is_to_come'],
) }}

select
    -- who
    dealt.billing_period,
    dealt.payer_account_id,
    dealt.account_id,

    -- what
    dealt.product,
    dealt.usage_type,
    dealt.operation,
    dealt.region,
    dealt.instance_type,
    dealt.reservation_id,
    coalesce(pools.pool, '') as pool,

    -- what it cost
    {{ from_units('dealt.dealt_units', 'decimal(25, 10)') }} as unused_cost,

    -- when
    dealt.is_to_come,
    dealt.usage_hour,
    dealt.grain_hours as interval_hours
from dealt
left join pools
    on
        dealt.billing_period = pools.billing_period
        and dealt.payer_account_id = pools.payer_account_id
        and dealt.reservation_id = pools.reservation_id
where dealt.dealt_units <> 0
