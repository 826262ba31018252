-- What the monthly fees of a reservation (RIFee) say of its size: how many instances, of how many
-- normalized units each, for which hours, and how many of those hours it was used.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

select
    -- which reservation
    billing_period,
    payer_account_id,
    reservation_id,

    -- its size
    max(try_cast(number_of_reservations as decimal(25, 10))) as reservations,
    max(try_cast(normalized_units_per_reservation as decimal(25, 10))) as units_per_reservation,
    cast(sum(usage_amount) - sum(unused_reservation_hours) as decimal(38, 10))
        as used_reservation_hours,

    -- when
    min(grain_hours) as grain_hours,
    date_trunc('hour', min(usage_started_at)) as started_at,
    case
        when min(grain_hours) > 1 then date_trunc('day', min(usage_started_at))
        else date_trunc('hour', min(usage_started_at))
    end as first_hour,
    max(usage_ended_at) as ended_at
from {{ ref('int_line_items_priced') }}
where {{ in_month('billing_period') }} and line_item_type = 'RIFee'
group by billing_period, payer_account_id, reservation_id
