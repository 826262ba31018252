-- What every assembly has about each reservation and savings plan: upfront payments and refunds,
-- what AWS amortized, and the term. Computed once, when the assembly is new, and kept after its
-- lines are pruned. So a month knows of purchases on other bills before any line is priced.
{{ config(materialized='incremental', incremental_strategy='append') }}

with

assemblies as (
    select
        assembly_id,
        billing_period
    from {{ ref('stg_aws_cur__deliveries') }}
    {% if is_incremental() %}
        where assembly_id not in (select known.assembly_id from {{ this }} as known)
    {% endif %}
),

lines as (
    select
        assemblies.assembly_id,
        assemblies.billing_period,
        line_items.bill_payer_account_id as payer_account_id,
        -- A refund of a savings plan may name no plan, but only the kind of plan; a reservation's
        -- ARN may have been blanked.
        coalesce(
            line_items.reservation_reservation_a_r_n,
            line_items.savings_plan_savings_plan_a_r_n,
            line_items.line_item_product_code
        ) as commitment_id,
        coalesce(line_items.line_item_product_code, '') as product,
        line_items.reservation_reservation_a_r_n is not null as is_reservation,
        line_items.line_item_line_item_type in ('Fee', 'SavingsPlanUpfrontFee') as is_prepayment,
        line_items.line_item_line_item_type = 'Refund' as is_refund,
        coalesce(line_items.line_item_usage_type, '') as usage_type,
        line_items.line_item_unblended_cost as unblended_cost,
        coalesce(line_items.line_item_net_unblended_cost, line_items.line_item_unblended_cost)
            as net_unblended_cost,
        abs(coalesce(line_items.reservation_amortized_upfront_fee_for_billing_period, 0))
        + abs(coalesce(line_items.reservation_amortized_upfront_cost_for_usage, 0))
        -- The recurring fee's part of an hour is not amortized.
        + greatest(
            abs(coalesce(line_items.reservation_effective_cost, 0))
            - abs(coalesce(line_items.reservation_recurring_fee_for_usage, 0)),
            0
        ) as amortized_cost,
        coalesce(
            line_items.reservation_effective_cost,
            line_items.reservation_amortized_upfront_fee_for_billing_period,
            line_items.reservation_unused_amortized_upfront_fee_for_billing_period,
            line_items.reservation_unused_recurring_fee
        ) is not null as has_costs,
        line_items.line_item_usage_start_date as usage_started_at,
        {%- for side in ['start', 'end'] %}
            try_cast(
                substr(
                    coalesce(
                        line_items.reservation_{{ side }}_time,
                        line_items.savings_plan_{{ side }}_time
                    ), 1, 19
                ) as timestamp
            ) as {{ side }}s_at,
        {%- endfor %}
        line_items.pricing_lease_contract_length as contract_length
    from {{ source('aws_cur', 'line_items') }} as line_items
    inner join assemblies on {{ in_assembly('assemblies') }}
    where
        line_items.reservation_reservation_a_r_n is not null
        or line_items.line_item_line_item_type
        in ('SavingsPlanUpfrontFee', 'SavingsPlanRecurringFee')
        or (
            line_items.line_item_line_item_type in ('Fee', 'Refund')
            and line_items.line_item_usage_type like '%HeavyUsage%'
        )
        or (
            line_items.line_item_line_item_type = 'Refund'
            and (
                line_items.savings_plan_savings_plan_a_r_n is not null
                or line_items.line_item_product_code like '%SavingsPlans'
            )
        )
)

select
    -- ids
    assembly_id,
    billing_period,
    payer_account_id,
    commitment_id,
    product,
    is_reservation,

    -- what was paid
    sum(case when is_prepayment then unblended_cost else 0 end) as prepaid_cost,
    sum(case when is_prepayment then net_unblended_cost else 0 end) as net_prepaid_cost,
    sum(case when is_refund then unblended_cost else 0 end) as refunded_cost,
    sum(amortized_cost) as amortized_cost,
    max(case when has_costs then 1 else 0 end) = 1 as has_costs,
    sum(case when is_prepayment or is_refund then 0 else 1 end) as other_lines,
    max(case when is_prepayment then usage_type end) as prepaid_usage_type,

    -- when
    min(case when is_prepayment then usage_started_at end) as prepaid_at,
    min(starts_at) as starts_at,
    max(ends_at) as ends_at,
    max(case when is_prepayment then contract_length end) as contract_length
from lines
where commitment_id is not null
group by assembly_id, billing_period, payer_account_id, commitment_id, product, is_reservation
