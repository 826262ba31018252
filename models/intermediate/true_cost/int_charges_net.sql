-- The priced charges of every bill: those of Cost and Usage Reports with their negotiated
-- discounts, without the payers' periods that are left out (`int_periods_left_out`), and those of
-- bills in FOCUS. Each table is named where it is read, so that a query for one month reads only
-- that month.
{{ config(materialized='view', meta={'month': 'billing_period'}) }}

select
    -- who
    costed.billing_period,
    costed.payer_account_id,
    costed.account_id,

    -- what
    costed.charge_class,
    costed.pricing_model,
    costed.product,
    costed.usage_type,
    costed.operation,
    costed.region,
    costed.instance_type,
    costed.resource_id,
    costed.tags,
    costed.cost_categories,
    {{ carried('costed') }}
    costed.reservation_id,
    costed.savings_plan_id,
    costed.pool,
    costed.bill_type,
    costed.has_net_costs,

    -- how much of it
    costed.line_count,
    costed.usage_amount,
    costed.normalized_usage_amount,

    -- what it costs
    costed.list_cost,
    costed.unblended_cost,
    costed.net_unblended_cost,
    costed.amortized_upfront_cost,
    costed.net_amortized_cost,

    -- when
    costed.usage_hour,
    costed.interval_hours,
    costed.is_period_charge
from {{ ref('int_charges_costed') }} as costed
-- DuckDB 2.0.1 loses rows of an anti-join with an empty table that is written as a left join.
where
    not exists (
        select 1
        from {{ ref('int_periods_left_out') }} as left_out
        where
            costed.billing_period = left_out.billing_period
            and costed.payer_account_id = left_out.payer_account_id
    )
union all
select
    -- who
    focus.billing_period,
    focus.payer_account_id,
    focus.account_id,

    -- what
    focus.charge_class,
    focus.pricing_model,
    focus.product,
    focus.usage_type,
    focus.operation,
    focus.region,
    focus.instance_type,
    focus.resource_id,
    focus.tags,
    focus.cost_categories,
    {{ carried('focus') }}
    focus.reservation_id,
    focus.savings_plan_id,
    focus.pool,
    focus.bill_type,
    focus.has_net_costs,

    -- how much of it
    focus.line_count,
    focus.usage_amount,
    focus.normalized_usage_amount,

    -- what it costs
    focus.list_cost,
    focus.unblended_cost,
    focus.net_unblended_cost,
    focus.amortized_upfront_cost,
    focus.net_amortized_cost,

    -- when
    focus.usage_hour,
    focus.interval_hours,
    focus.is_period_charge
from {{ ref('stg_focus__charges') }} as focus
