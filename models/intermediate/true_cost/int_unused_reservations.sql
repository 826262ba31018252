-- AWS bills what was unused of a reservation once a month. Here it goes to the hours that wasted
-- it: to each hour in proportion to the normalized units that were reserved and not used in it
-- (hours, for a service that knows no such units), evenly where that cannot be told. What goes out
-- is what came in, per reservation and billing period.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

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
),

used as (
    select
        billing_period,
        payer_account_id,
        reservation_id,
        usage_hour,
        {{ units('sum(coalesce(normalized_usage_amount, usage_amount))') }} as used_units
    from {{ ref('int_charges_net') }}
    where {{ in_month('billing_period') }} and reservation_id <> '' and charge_class = 'usage'
    group by billing_period, payer_account_id, reservation_id, usage_hour
),

used_in_all as (
    select
        billing_period,
        payer_account_id,
        reservation_id,
        sum(used_units) as used_units
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
        fees.started_at,
        fees.first_hour,
        case
            when last_hours.last_hour >= fees.first_hour
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
        hours.usage_hour,
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

{{ deal(
    'dealt',
    of='wasted',
    by=[
        'billing_period', 'payer_account_id', 'account_id', 'product', 'usage_type', 'operation',
        'region', 'instance_type', 'reservation_id'
    ],
    weight='unused_units',
    whole='max(cost_units)',
    ties=['usage_hour'],
    keep=['grain_hours'],
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
    dealt.usage_hour,
    dealt.grain_hours as interval_hours
from dealt
left join pools
    on
        dealt.billing_period = pools.billing_period
        and dealt.payer_account_id = pools.payer_account_id
        and dealt.reservation_id = pools.reservation_id
where dealt.dealt_units <> 0
