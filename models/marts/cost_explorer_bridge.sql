-- Why true_cost is not what Cost Explorer (CUDOS) says: per payer and billing period, AWS's
-- amortized cost and true_cost, with every difference between them named. `unexplained` is the
-- rest; a test warns where it is not 0. docs/cost-explorer.md explains the items.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set differences = [
    'discounts_as_columns', 'discounts_on_upfront_fees', 'amortized_discounts_on_upfront_fees',
    'refunds_of_upfront_fees', 'unapplied_discounts', 'unused_reservations_on_their_fee',
    'unused_reservations_in_their_hours', 'fees_without_costs', 'amortized_prepayments',
    'commitments_to_come', 'aws_rounding', 'left_out'
] %}
{% set steps = ['aws_amortized_cost'] + differences + ['unexplained', 'true_cost'] %}
{% set keys = ['billing_period', 'payer_account_id'] %}

with

-- AWS's own formula, which CUDOS and its queries share: nothing net, and discounts as their own
-- lines.
lines as (
    select
        billing_period,
        payer_account_id,
        unblended_cost,
        line_item_type in (
            'SavingsPlanCoveredUsage',
            'SavingsPlanRecurringFee',
            'SavingsPlanNegation',
            'DiscountedUsage',
            'RIFee'
        ) as is_of_commitment,
        case
            when line_item_type = 'SavingsPlanCoveredUsage'
                then coalesce(savings_plan_effective_cost, unblended_cost)
            when line_item_type = 'SavingsPlanRecurringFee'
                then coalesce(savings_plan_commitment_cost, 0) - coalesce(savings_plan_used_cost, 0)
            when line_item_type in ('SavingsPlanNegation', 'SavingsPlanUpfrontFee') then 0
            when line_item_type = 'DiscountedUsage'
                then coalesce(reservation_effective_cost, unblended_cost)
            when line_item_type = 'RIFee'
                then coalesce(reservation_unused_upfront_cost, 0)
                    + coalesce(reservation_unused_recurring_cost, 0)
            when {{ is_reservation_fee('line_item_type', 'reservation_id', 'usage_type') }} then 0
            else unblended_cost
        end as amortized_cost,
        case
            when line_item_type = 'RIFee' then coalesce(reservation_amortized_upfront_cost, 0)
            when line_item_type = 'SavingsPlanRecurringFee'
                then coalesce(savings_plan_amortized_upfront_cost, 0)
            else 0
        end as upfront_cost
    from {{ ref('stg_aws_cur__line_items') }}
    where {{ in_month('billing_period') }}
),

-- Of every payer with a bill, even if it has no line.
control_totals as (
    select * from {{ ref('stg_aws_cur__control_totals') }}
    where {{ in_month('billing_period') }}
),

aws as (
    select
        control_totals.billing_period,
        control_totals.payer_account_id,
        coalesce(sum(lines.amortized_cost), 0) as aws_amortized_cost,
        coalesce(sum(lines.unblended_cost), 0) as unblended_cost,
        coalesce(sum(lines.upfront_cost), 0) as upfront_cost,
        sum(
            case
                when lines.is_of_commitment
                    then lines.amortized_cost - lines.unblended_cost - lines.upfront_cost
                else 0
            end
        ) as commitment_difference
    from control_totals
    left join lines
        on
            control_totals.billing_period = lines.billing_period
            and control_totals.payer_account_id = lines.payer_account_id
    group by control_totals.billing_period, control_totals.payer_account_id
),

ours as (
    select
        billing_period,
        payer_account_id,
        sum(net_unblended_cost) as net_unblended_cost,
        sum(amortized_upfront_cost) as upfront_cost,
        sum(
            case
                when
                    charge_class in ('negation', 'commitment_fee', 'commitment_to_come')
                    or (charge_class = 'usage' and pricing_model in ('reserved', 'savings_plan'))
                    then net_amortized_cost - net_unblended_cost - amortized_upfront_cost
                else 0
            end
        ) as commitment_difference,
        sum(
            case
                when charge_class = 'commitment_prepayment'
                    then unblended_cost - net_unblended_cost
                else 0
            end
        ) as discounts_on_upfront_fees,
        sum(
            case
                when charge_class = 'refund' then net_amortized_cost - net_unblended_cost
                else 0
            end
        ) as refunds_of_upfront_fees,
        sum(
            case
                when charge_class = 'discount' then net_amortized_cost - net_unblended_cost
                else 0
            end
        ) as unapplied_discounts,
        sum(
            case
                when charge_class = 'commitment_fee' and pricing_model = 'reserved'
                    then net_amortized_cost
                else 0
            end
        ) as unused_reservations,
        sum(
            case
                when charge_class = 'fee' and pricing_model = 'reserved' then unblended_cost
                else 0
            end
        ) as fees_without_costs,
        sum(
            case when charge_class = 'amortized_prepayment' then net_amortized_cost else 0 end
        ) as amortized_prepayments
    from {{ ref('charges') }}
    where {{ in_month('billing_period') }} and bill_source = 'aws_cur'
    group by billing_period, payer_account_id
),

unused as (
    select
        billing_period,
        payer_account_id,
        sum(unused_cost) as unused_cost
    from {{ ref('int_unused_commitments') }}
    where {{ in_month('billing_period') }} and (lyft_label = '_unused_ri' or is_to_come)
    group by billing_period, payer_account_id
),

true_costs as (
    select
        billing_period,
        payer_account_id,
        sum(true_cost) as true_cost,
        sum(cost_to_come) as cost_to_come
    from {{ ref('true_cost') }}
    where {{ in_month('billing_period') }}
    group by billing_period, payer_account_id
),

-- Another provider may call its billing account as AWS does.
bills_in_focus as (
    select
        billing_period,
        payer_account_id,
        sum(net_amortized_cost) as true_cost
    from {{ ref('charges') }}
    where {{ in_month('billing_period') }} and bill_source = 'focus'
    group by billing_period, payer_account_id
),

compared as (
    select
        aws.billing_period,
        aws.payer_account_id,
        aws.aws_amortized_cost,
        coalesce(ours.net_unblended_cost - aws.unblended_cost, 0) as discounts_as_columns,
        coalesce(ours.discounts_on_upfront_fees, 0) as discounts_on_upfront_fees,
        coalesce(ours.upfront_cost - aws.upfront_cost, 0) as amortized_discounts_on_upfront_fees,
        coalesce(ours.refunds_of_upfront_fees, 0) as refunds_of_upfront_fees,
        coalesce(ours.unapplied_discounts, 0) as unapplied_discounts,
        -coalesce(ours.unused_reservations, 0) as unused_reservations_on_their_fee,
        coalesce(unused.unused_cost, 0) as unused_reservations_in_their_hours,
        coalesce(ours.fees_without_costs, 0) as fees_without_costs,
        coalesce(ours.amortized_prepayments, 0) as amortized_prepayments,
        -coalesce(true_costs.cost_to_come, 0) as commitments_to_come,
        -- The amortized cost of commitments equals the fees and the period's part of the upfront
        -- payment, apart from AWS's rounding: of net costs and of gross ones.
        coalesce(
            ours.commitment_difference - aws.commitment_difference - ours.fees_without_costs, 0
        ) as aws_rounding,
        case when ours.billing_period is null then -aws.aws_amortized_cost else 0 end as left_out,
        coalesce(true_costs.true_cost, 0) - coalesce(bills_in_focus.true_cost, 0) as true_cost
    from aws
    left join ours
        on
            aws.billing_period = ours.billing_period
            and aws.payer_account_id = ours.payer_account_id
    left join unused
        on
            aws.billing_period = unused.billing_period
            and aws.payer_account_id = unused.payer_account_id
    left join true_costs
        on
            aws.billing_period = true_costs.billing_period
            and aws.payer_account_id = true_costs.payer_account_id
    left join bills_in_focus
        on
            aws.billing_period = bills_in_focus.billing_period
            and aws.payer_account_id = bills_in_focus.payer_account_id
),

explained as (
    select
        *,
        true_cost - aws_amortized_cost
        {%- for difference in differences %}
            - {{ difference }}
        {%- endfor %} as unexplained
    from compared
),

bridge as (
    {{ rows_of_steps('explained', keys, steps, 'decimal(38, 10)') }}
),

open_periods as (
    select
        billing_period,
        payer_account_id
    from {{ ref('int_hours_to_come') }}
)

select
    -- when
    bridge.billing_period,
    open_periods.billing_period is null as is_complete,

    -- how much
    bridge.amount,

    -- who
    bridge.payer_account_id,

    -- which step
    bridge.bridge_item,
    bridge.item_order
from bridge
left join open_periods
    on
        bridge.billing_period = open_periods.billing_period
        and bridge.payer_account_id = open_periods.payer_account_id
where
    bridge.amount <> 0
    or bridge.bridge_item in ('aws_amortized_cost', 'unexplained', 'true_cost')
