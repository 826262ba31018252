-- Only payers whose negotiated discounts are separate lines without net costs: all of their
-- charges. Allocates the discount on a commitment's fees to the usage that the commitment covers.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

with

net as (
    select * from {{ ref('int_charges_discounted') }}
    where {{ in_month('billing_period') }}
),

-- The upfront fee is on the bill of the month of the purchase only, and pays for the whole term.
upfront_fees as (
    select
        payer_account_id,
        commitment_id,
        sum(gross_cost) as gross_cost,
        sum(net_cost) as net_cost
    from {{ ref('int_prepayments') }}
    group by payer_account_id, commitment_id
    having sum(gross_cost) > 0
),

-- A savings plan's usage pays both fees in one amount, so that the part of the upfront payment that
-- falls on the period is beside the recurring fee.
period_fees as (
    select
        billing_period,
        payer_account_id,
        concat(reservation_id, savings_plan_id) as commitment_id,
        sum(unblended_cost) as gross_cost,
        sum(net_cost) as net_cost,
        sum(case when pricing_model = 'savings_plan' then amortized_upfront_cost else 0 end)
            as amortized_cost
    from net
    where charge_class in ('commitment_fee', 'commitment_to_come')
    group by billing_period, payer_account_id, concat(reservation_id, savings_plan_id)
    having sum(unblended_cost) > 0
),

-- Usage whose commitment has no fee takes the discount of the fees whose commitment no usage names.
named as (
    select
        billing_period,
        payer_account_id,
        concat(reservation_id, savings_plan_id) as commitment_id,
        max(case when charge_class = 'commitment_fee' then 1 else 0 end) = 1 as has_fees,
        max(case when charge_class = 'usage' then 1 else 0 end) = 1 as has_usage
    from net
    where
        pricing_model in ('reserved', 'savings_plan')
        and charge_class in ('commitment_fee', 'usage')
    group by billing_period, payer_account_id, concat(reservation_id, savings_plan_id)
),

recurring_fees as (
    select
        period_fees.billing_period,
        period_fees.payer_account_id,
        period_fees.commitment_id,
        period_fees.gross_cost + period_fees.amortized_cost as gross_cost,
        period_fees.net_cost
        + {{ scaled(
            'period_fees.amortized_cost',
            'coalesce(upfront_fees.net_cost, 1)',
            'coalesce(upfront_fees.gross_cost, 1)'
        ) }} as net_cost
    from period_fees
    left join upfront_fees
        on
            period_fees.payer_account_id = upfront_fees.payer_account_id
            and period_fees.commitment_id = upfront_fees.commitment_id
),

fees as (
    select * from recurring_fees
    union all
    select
        recurring_fees.billing_period,
        recurring_fees.payer_account_id,
        '{{ unknown_commitment() }}' as commitment_id,
        sum(recurring_fees.gross_cost) as gross_cost,
        sum(recurring_fees.net_cost) as net_cost
    from recurring_fees
    inner join named
        on
            recurring_fees.billing_period = named.billing_period
            and recurring_fees.payer_account_id = named.payer_account_id
            and recurring_fees.commitment_id = named.commitment_id
    where not named.has_usage
    group by recurring_fees.billing_period, recurring_fees.payer_account_id
),

with_fees as (
    select
        net.*,
        coalesce(upfront_fees.gross_cost, 1) as upfront_gross_cost,
        coalesce(upfront_fees.net_cost, 1) as upfront_net_cost,
        -- A commitment without a recurring fee was paid all upfront.
        coalesce(fees.gross_cost, upfront_fees.gross_cost, 1) as recurring_gross_cost,
        coalesce(fees.net_cost, upfront_fees.net_cost, 1) as recurring_net_cost
    from net
    left join upfront_fees
        on
            net.payer_account_id = upfront_fees.payer_account_id
            and concat(net.reservation_id, net.savings_plan_id) = upfront_fees.commitment_id
            and upfront_fees.commitment_id <> ''
    left join named
        on
            net.billing_period = named.billing_period
            and net.payer_account_id = named.payer_account_id
            and concat(net.reservation_id, net.savings_plan_id) = named.commitment_id
    left join fees
        on
            net.billing_period = fees.billing_period
            and net.payer_account_id = fees.payer_account_id
            and case
                when named.has_fees or net.charge_class = 'commitment_to_come'
                    then concat(net.reservation_id, net.savings_plan_id)
                else '{{ unknown_commitment() }}'
            end = fees.commitment_id
)

select
    -- who
    billing_period,
    payer_account_id,
    account_id,

    -- what
    charge_class,
    pricing_model,
    product,
    usage_type,
    operation,
    region,
    instance_type,
    resource_id,
    tags,
    cost_categories,
    {{ carried() }}
    reservation_id,
    savings_plan_id,
    commitment_pool,
    plan_pool,
    instance_plan_pool,
    bill_type,
    has_net_costs,

    -- how much of it
    line_count,
    usage_amount,
    normalized_usage_amount,

    -- what it costs
    list_cost,
    unblended_cost,
    cast(net_cost as decimal(38, 10)) as net_unblended_cost,
    cast(
        {{ scaled('amortized_upfront_cost', 'upfront_net_cost', 'upfront_gross_cost') }}
        as decimal(38, 10)
    ) as amortized_upfront_cost,
    cast(
        case
            when
                charge_class in ('commitment_fee', 'commitment_to_come')
                or (charge_class = 'usage' and pricing_model in ('reserved', 'savings_plan'))
                then {{ scaled('prepaid_cost', 'upfront_net_cost', 'upfront_gross_cost') }}
                    + {{ scaled('recurring_cost', 'recurring_net_cost', 'recurring_gross_cost') }}
            when charge_class in ('negation', 'commitment_prepayment') then 0
            when charge_class = 'refund' then net_amortized_cost
            else net_cost
        end as decimal(38, 10)
    ) as net_amortized_cost,

    -- when
    usage_hour,
    interval_hours,
    is_period_charge
from with_fees
