-- From the invoice to true_cost, step by step, per payer and billing period. The invoice is the sum
-- of the delivered files when they landed; a step is the amount that one treatment of lines moved.
-- AWS defines some of these sums as equal (covered usage and its negation, a fee and its used
-- part); where its own digits differ, the difference is `aws_rounding`. Fees for hours that have
-- not happened yet are `commitment_to_come`. A payer's period that contradicts itself is `left_out`
-- as a whole. `unexplained` is the rest, and a test requires it to be 0.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set steps = [
    'invoice', 'cast_digits', 'ri_used', 'sp_used', 'sp_negation', 'ri_upfront_fee',
    'sp_upfront_fee', 'ri_recurring_fee', 'sp_recurring_fee', 'prepayment_refund',
    'amortized_prepayment', 'discount_timing', 'commitment_to_come', 'aws_rounding', 'left_out',
    'unexplained', 'true_cost'
] %}
{% set keys = ['billing_period', 'payer_account_id'] %}

with

control_totals as (
    select
        billing_period,
        payer_account_id,
        {{ bridge_amount(
            'case when has_net_costs then net_unblended_cost + unblended_cost_without_net'
            ~ ' else unblended_cost end'
        ) }} as invoice,
        {{ bridge_amount(
            'case when has_net_costs then landed_net_unblended_cost'
            ~ ' + landed_unblended_cost_without_net else landed_unblended_cost end'
        ) }} as landed
    from {{ ref('stg_aws_cur__control_totals') }}
    where {{ in_month('billing_period') }}
),

moves as (
    select
        billing_period,
        payer_account_id,
        case
            when bill_source = 'focus' then 'bill_in_focus'
            when charge_class = 'usage' and pricing_model = 'reserved' then 'ri_used'
            when charge_class = 'usage' and pricing_model = 'savings_plan' then 'sp_used'
            when charge_class = 'negation' then 'sp_negation'
            when charge_class = 'commitment_prepayment' and pricing_model = 'reserved'
                then 'ri_upfront_fee'
            when charge_class = 'commitment_prepayment' then 'sp_upfront_fee'
            when charge_class = 'commitment_fee' and pricing_model = 'reserved'
                then 'ri_recurring_fee'
            when charge_class in ('commitment_fee', 'commitment_to_come') then 'sp_recurring_fee'
            when charge_class = 'refund' then 'prepayment_refund'
            when charge_class = 'amortized_prepayment' then 'amortized_prepayment'
            when charge_class = 'discount' then 'discount_timing'
        end as bridge_item,
        {{ bridge_amount('net_amortized_cost - net_unblended_cost') }} as amount,
        {{ bridge_amount('net_unblended_cost') }} as net_unblended_cost,
        {{ bridge_amount('net_amortized_cost') }} as net_amortized_cost,
        {{ bridge_amount('amortized_upfront_cost') }} as amortized_upfront_cost
    from {{ ref('charges') }}
    where {{ in_month('billing_period') }}
),

measured as (
    select
        billing_period,
        payer_account_id,
        {%- for item in steps[2:12] %}
            sum(case when bridge_item = '{{ item }}' then amount else 0 end) as {{ item }},
        {%- endfor %}
        sum(case when bridge_item = 'sp_used' then net_unblended_cost else 0 end) as covered_cost,
        sum(case when bridge_item = 'ri_recurring_fee' then amortized_upfront_cost else 0 end)
            as ri_amortized_upfront,
        sum(case when bridge_item = 'sp_recurring_fee' then amortized_upfront_cost else 0 end)
            as sp_amortized_upfront,
        -- Another provider may call its billing account as AWS does; `focus_bridge` has its bill.
        sum(case when bridge_item = 'bill_in_focus' then net_amortized_cost else 0 end)
            as bill_in_focus
    from moves
    group by billing_period, payer_account_id
),

differences as (
    select
        *,
        sp_negation - covered_cost as negation_difference,
        sp_used + covered_cost + sp_recurring_fee - sp_amortized_upfront as sp_difference,
        ri_used + ri_recurring_fee - ri_amortized_upfront as ri_difference
    from measured
),

left_out as (
    select * from {{ ref('int_periods_left_out') }}
    where {{ in_month('billing_period') }}
),

true_costs as (
    select
        billing_period,
        payer_account_id,
        {{ bridge_amount('sum(true_cost)') }} as true_cost,
        {{ bridge_amount('sum(cost_to_come)') }} as cost_to_come
    from {{ ref('true_cost') }}
    where {{ in_month('billing_period') }}
    group by billing_period, payer_account_id
),

compared as (
    select
        control_totals.billing_period,
        control_totals.payer_account_id,
        control_totals.invoice,
        control_totals.landed - control_totals.invoice as cast_digits,
        coalesce(differences.ri_used, 0) as ri_used,
        coalesce(differences.sp_used, 0) as sp_used,
        coalesce(differences.covered_cost, 0) as sp_negation,
        coalesce(differences.ri_upfront_fee, 0) as ri_upfront_fee,
        coalesce(differences.sp_upfront_fee, 0) as sp_upfront_fee,
        coalesce(differences.ri_recurring_fee - differences.ri_difference, 0) as ri_recurring_fee,
        coalesce(differences.sp_recurring_fee - differences.sp_difference, 0) as sp_recurring_fee,
        coalesce(differences.prepayment_refund, 0) as prepayment_refund,
        coalesce(differences.amortized_prepayment, 0) as amortized_prepayment,
        coalesce(differences.discount_timing, 0) as discount_timing,
        -coalesce(true_costs.cost_to_come, 0) as commitment_to_come,
        coalesce(
            differences.negation_difference
            + differences.sp_difference
            + differences.ri_difference, 0
        ) as aws_rounding,
        -coalesce(left_out.billed_cost, 0) as left_out,
        coalesce(true_costs.true_cost, 0) - coalesce(differences.bill_in_focus, 0) as true_cost
    from control_totals
    left join differences
        on
            control_totals.billing_period = differences.billing_period
            and control_totals.payer_account_id = differences.payer_account_id
    left join true_costs
        on
            control_totals.billing_period = true_costs.billing_period
            and control_totals.payer_account_id = true_costs.payer_account_id
    left join left_out
        on
            control_totals.billing_period = left_out.billing_period
            and control_totals.payer_account_id = left_out.payer_account_id
),

explained as (
    select
        *,
        true_cost - ({{ steps[:15] | join(' + ') }}) as unexplained
    from compared
),

bridge as (
    {{ rows_of_steps('explained', keys, steps, 'decimal(38, 18)') }}
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
