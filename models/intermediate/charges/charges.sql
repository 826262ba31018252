-- The contract between bills and all that is made of them: one row per priced charge of any bill,
-- after negotiated discounts. Labels, true cost, platforms and marts read it and nothing of a bill
-- behind it. Another kind of bill is one more relation here, with these columns. A payer's period
-- that is left out (`int_periods_left_out`) has no charges. Each table is named where it is read,
-- so that a query for one month reads only that month.
{{ config(materialized='view', meta={'month': 'billing_period'}) }}

{% set columns = charge_key() + [
    'plan_pool', 'instance_plan_pool', 'has_net_costs', 'line_count', 'usage_amount',
    'normalized_usage_amount', 'list_cost', 'unblended_cost', 'net_unblended_cost',
    'amortized_upfront_cost', 'net_amortized_cost'
] %}

-- Cost and Usage Reports: payers without discounts, or with net costs.
select
    {{ charge_id('priced') }} as charge_id,
    'aws_cur' as bill_source,
    {{ 'priced.' ~ columns | join(',\n    priced.') }}
from {{ ref('int_charges_priced') }} as priced
-- DuckDB 2.0.1 loses rows of an anti-join with an empty table that is written as a left join.
where
    not exists (
        select 1
        from {{ ref('int_charges_discount_allocated') }} as allocated
        where
            priced.billing_period = allocated.billing_period
            and priced.payer_account_id = allocated.payer_account_id
    )
    and not exists (
        select 1
        from {{ ref('int_periods_left_out') }} as left_out
        where
            priced.billing_period = left_out.billing_period
            and priced.payer_account_id = left_out.payer_account_id
    )
union all
-- Payers with discounts as lines of their own.
select
    {{ charge_id('allocated') }} as charge_id,
    'aws_cur' as bill_source,
    {{ 'allocated.' ~ columns | join(',\n    allocated.') }}
from {{ ref('int_charges_discount_allocated') }} as allocated
where
    not exists (
        select 1
        from {{ ref('int_periods_left_out') }} as left_out
        where
            allocated.billing_period = left_out.billing_period
            and allocated.payer_account_id = left_out.payer_account_id
    )
union all
-- Upfront fees that AWS does not amortize.
select
    {{ charge_id('prepaid') }} as charge_id,
    'aws_cur' as bill_source,
    {{ 'prepaid.' ~ columns | join(',\n    prepaid.') }}
from {{ ref('int_prepaid_hours') }} as prepaid
where
    not exists (
        select 1
        from {{ ref('int_periods_left_out') }} as left_out
        where
            prepaid.billing_period = left_out.billing_period
            and prepaid.payer_account_id = left_out.payer_account_id
    )
union all
-- Bills in FOCUS.
select
    {{ charge_id('focus') }} as charge_id,
    'focus' as bill_source,
    {{ 'focus.' ~ columns | join(',\n    focus.') }}
from {{ ref('stg_focus__charges') }} as focus
