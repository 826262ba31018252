-- Upfront fees that AWS does not amortize, amortized straight-line over the past hours of their
-- term, on the bill of each hour's month; a fee without a known term stays on its own bill. An
-- hour's amount is the fee accrued to its end less the fee accrued to its start, each rounded down:
-- so a term adds up to its fee, and each month can be computed alone.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set attributes = [
    'account_id', 'product', 'usage_type', 'operation', 'region', 'instance_type', 'resource_id',
    'tags', 'cost_categories', 'bill_type'
] %}

with

prepayments as (
    select * from {{ ref('int_unamortized_prepayments') }}
    where not is_awaited
),

bills as (
    select
        deliveries.billing_period,
        assembly_months.payer_account_id,
        -- Two reports of a payer may have different tags.
        min(deliveries.grain_hours) as grain_hours,
        max(hours_to_come.to_come_from) as to_come_from
    from {{ ref('stg_aws_cur__deliveries') }} as deliveries
    inner join {{ ref('stg_aws_cur__assembly_months') }} as assembly_months
        on deliveries.assembly_id = assembly_months.assembly_id
    left join {{ ref('int_hours_to_come') }} as hours_to_come
        on
            deliveries.billing_period = hours_to_come.billing_period
            and assembly_months.payer_account_id = hours_to_come.payer_account_id
    where {{ in_month('deliveries.billing_period') }} and deliveries.is_current
    group by deliveries.billing_period, assembly_months.payer_account_id
),

-- Of all months: a fee is only on the bill of its purchase.
fee_charges as (
    select * from {{ ref('int_prepayments') }}
),

fees as (
    select
        fee_charges.*,
        {{ units('fee_charges.net_cost') }} as fee_units,
        prepayments.term_from,
        prepayments.term_until,
        {{ hours_between('prepayments.term_from', 'prepayments.term_until') }} as term_hours
    from fee_charges
    inner join prepayments
        on
            fee_charges.payer_account_id = prepayments.payer_account_id
            and fee_charges.reservation_id = prepayments.reservation_id
),

spans as (
    select
        bills.billing_period as usage_month,
        bills.grain_hours,
        fees.*,
        greatest(
            case
                when bills.grain_hours > 1 then date_trunc('day', fees.term_from)
                else fees.term_from
            end,
            cast(concat(bills.billing_period, '-01') as timestamp)
        ) as first_hour,
        least(
            fees.term_until,
            cast(concat(bills.billing_period, '-01') as timestamp) + interval '1' month,
            coalesce(bills.to_come_from, fees.term_until)
        ) as end_hour
    from fees
    inner join bills on fees.payer_account_id = bills.payer_account_id
    where fees.term_until is not null
),

hours as (
    select
        *,
        {{ hours_from('first_hour', 'end_hour', 'grain_hours') }} as hour_of_term
    from spans
),

elapsed as (
    select
        *,
        greatest({{ hours_between('term_from', 'hour_of_term') }}, 0) as hours_before,
        least(
            {{ hours_between('term_from', plus_hours('hour_of_term', 'grain_hours')) }}, term_hours
        ) as hours_after
    from hours
),

parts as (
    select
        usage_month as billing_period,
        payer_account_id,
        reservation_id,
        {{ attributes | join(',\n        ') }},
        {{ floor_divide('fee_units * hours_after', 'term_hours') }}
        - {{ floor_divide('fee_units * hours_before', 'term_hours') }} as part_units,
        hour_of_term as usage_hour,
        grain_hours as interval_hours,
        false as is_period_charge
    from elapsed
    union all
    select
        fees.billing_period,
        fees.payer_account_id,
        fees.reservation_id,
        {%- for column in attributes %}
            fees.{{ column }},
        {%- endfor %}
        fees.fee_units as part_units,
        fees.usage_hour,
        fees.interval_hours,
        fees.is_period_charge
    from fees
    where {{ in_month('fees.billing_period') }} and fees.term_until is null
)

select
    -- who
    billing_period,
    payer_account_id,
    account_id,

    -- what
    'amortized_prepayment' as charge_class,
    'reserved' as pricing_model,
    product,
    usage_type,
    operation,
    region,
    instance_type,
    resource_id,
    tags,
    cost_categories,
    {{ carried_of_no_line() }}
    reservation_id,
    '' as savings_plan_id,
    '' as commitment_pool,
    '' as plan_pool,
    '' as instance_plan_pool,
    bill_type,
    cast(null as boolean) as has_net_costs,

    -- how much of it
    0 as line_count,
    cast(null as decimal(38, 10)) as usage_amount,
    cast(null as decimal(38, 10)) as normalized_usage_amount,

    -- what it costs
    cast(0 as decimal(38, 10)) as list_cost,
    cast(0 as decimal(38, 10)) as unblended_cost,
    cast(0 as decimal(38, 10)) as net_unblended_cost,
    cast(0 as decimal(38, 10)) as amortized_upfront_cost,
    {{ from_units('sum(part_units)', 'decimal(38, 10)') }} as net_amortized_cost,

    -- when
    usage_hour,
    interval_hours,
    is_period_charge
from parts
group by
    billing_period,
    payer_account_id,
    reservation_id,
    {{ attributes | join(',\n    ') }},
    usage_hour,
    interval_hours,
    is_period_charge
having sum(part_units) <> 0
