-- From what bills in FOCUS ask for to true_cost: BilledCost to EffectiveCost by charge category and
-- commitment status, per provider, billing account and billing period. What was billed and what it
-- comes to are what the delivered files added up to when they landed; a step is what the charges
-- themselves move. `unexplained` is what is left, and a test holds it at 0.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set steps = ['billed_cost', 'cast_digits', 'moved', 'unexplained', 'true_cost'] %}
{% set of_bills = steps | reject('equalto', 'moved') | list %}
{% set keys = ['billing_period', 'provider', 'payer_account_id'] %}

with

control_totals as (
    select
        billing_period,
        provider,
        billing_account_id as payer_account_id,
        billed_cost,
        landed_billed_cost - billed_cost as cast_digits,
        landed_effective_cost as true_cost
    from {{ ref('stg_focus__control_totals') }}
    where {{ in_month('billing_period') }}
),

moves as (
    select
        billing_period,
        provider,
        billing_account_id as payer_account_id,
        charge_category,
        commitment_discount_status,
        {{ bridge_amount('sum(effective_cost - billed_cost)') }} as amount
    from {{ ref('stg_focus__line_items') }}
    where {{ in_month('billing_period') }} and is_current
    group by
        billing_period,
        provider,
        billing_account_id,
        charge_category,
        commitment_discount_status
),

moved as (
    select
        billing_period,
        provider,
        payer_account_id,
        sum(amount) as amount
    from moves
    group by billing_period, provider, payer_account_id
),

explained as (
    select
        control_totals.*,
        control_totals.true_cost - control_totals.billed_cost - control_totals.cast_digits
        - coalesce(moved.amount, 0) as unexplained
    from control_totals
    left join moved
        on
            control_totals.billing_period = moved.billing_period
            and control_totals.provider = moved.provider
            and control_totals.payer_account_id = moved.payer_account_id
),

of_bills as (
    {{ rows_of_steps('explained', keys, steps, 'decimal(38, 18)', columns=of_bills) }}
),

bridge as (
    select
        billing_period,
        provider,
        payer_account_id,
        bridge_item,
        item_order,
        cast(null as {{ dbt.type_string() }}) as charge_category,
        cast(null as {{ dbt.type_string() }}) as commitment_discount_status,
        amount
    from of_bills
    union all
    select
        billing_period,
        provider,
        payer_account_id,
        'moved' as bridge_item,
        {{ steps.index('moved') + 1 }} as item_order,
        charge_category,
        commitment_discount_status,
        amount
    from moves
)

select
    -- when
    billing_period,

    -- how much
    amount,

    -- who
    provider,
    payer_account_id,

    -- which step
    bridge_item,
    item_order,
    charge_category,
    commitment_discount_status
from bridge
