-- The priced charges with their negotiated discounts, without the payers' periods that are left out
-- (`int_periods_left_out`). Each table is named where it is read, so that a query for one month
-- reads only that month.
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
