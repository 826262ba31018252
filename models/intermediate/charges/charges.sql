-- The contract between bills and all that is made of them: one row per priced charge of any bill,
-- after negotiated discounts. Labels, true cost, platforms and marts read it and nothing of a bill
-- behind it. Another kind of bill is one more relation here, with these columns. A payer's period
-- that is left out (`int_periods_left_out`) has no charges. Each table is named where it is read,
-- so that a query for one month reads only that month. On Spark it is a table: a view would be
-- planned again in all that reads it.
{{ config(
    materialized=spark_only('incremental') or 'view',
    unique_key=spark_only('billing_period'),
    partition_by=spark_only('billing_period'),
    meta={'month': 'billing_period'},
) }}

{% set columns = charge_key() + [
    'plan_pool', 'instance_plan_pool', 'has_net_costs', 'line_count', 'usage_amount',
    'normalized_usage_amount', 'list_cost', 'unblended_cost', 'net_unblended_cost',
    'amortized_upfront_cost', 'net_amortized_cost'
] %}

{% set of_reports = {
    'int_charges_priced': 'payers without discounts, or with net costs',
    'int_charges_discount_allocated': 'payers with discounts as lines of their own',
    'int_prepaid_hours': 'upfront fees that AWS does not amortize',
} %}

{% for relation, which in of_reports.items() %}
    -- Cost and Usage Reports: {{ which }}.
    select
        {{ charge_id('costed') }} as charge_id,
        'aws_cur' as bill_source,
        {{ 'costed.' ~ columns | join(',\n        costed.') }}
    from {{ ref(relation) }} as costed
    -- DuckDB 2.0.1 loses rows of an anti-join with an empty table that is written as a left join.
    where
        {{ in_month_on_spark('costed.billing_period') }}
        {% if relation == 'int_charges_priced' %}
            and not exists (
                select 1
                from {{ ref('int_charges_discount_allocated') }} as allocated
                where
                    costed.billing_period = allocated.billing_period
                    and costed.payer_account_id = allocated.payer_account_id
            )
        {% endif %}
        and not exists (
            select 1
            from {{ ref('int_periods_left_out') }} as left_out
            where
                costed.billing_period = left_out.billing_period
                and costed.payer_account_id = left_out.payer_account_id
        )
    union all
{% endfor %}
-- Bills in FOCUS.
select
    {{ charge_id('focus') }} as charge_id,
    'focus' as bill_source,
    {{ 'focus.' ~ columns | join(',\n    focus.') }}
from {{ ref('stg_focus__charges') }} as focus
where {{ in_month_on_spark('focus.billing_period') }}
