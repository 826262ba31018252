-- What every reservation and savings plan cost in every hour: the used and the unused part, and the
-- list price of the usage it covered. For an hour that has not happened both parts are NULL; for
-- the open day of a daily report only the use so far is known. A line that names no commitment, or
-- one that no fee of its bill names, belongs to `unknown commitment`.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set is_past = 'max(case when is_to_come then 1 else 0 end) = 0' %}

with

net as (
    select
        *,
        concat(reservation_id, savings_plan_id) as named_id
    from {{ ref('charges') }}
    where
        {{ in_month('billing_period') }}
        and charge_class in ('usage', 'commitment_fee', 'commitment_to_come')
        and pricing_model in ('reserved', 'savings_plan')
),

fees as (
    select distinct
        billing_period,
        payer_account_id,
        named_id
    from net
    where charge_class <> 'usage' and named_id <> ''
),

charges as (
    select
        net.*,
        coalesce(fees.named_id, '{{ unknown_commitment() }}') as commitment_id
    from net
    left join fees
        on
            net.billing_period = fees.billing_period
            and net.payer_account_id = fees.payer_account_id
            and net.named_id = fees.named_id
),

parts as (
    select
        billing_period,
        payer_account_id,
        commitment_id,
        case when pricing_model = 'reserved' then 'reservation' else 'savings_plan' end
            as commitment_type,
        max(case when pricing_model = 'reserved' then commitment_pool else '' end)
            as commitment_pool,
        sum(net_amortized_cost) as used_cost,
        cast(0 as decimal(38, 10)) as unused_cost,
        sum(list_cost) as covered_list_cost,
        false as is_to_come,
        usage_hour
    from charges
    where charge_class = 'usage'
    group by
        billing_period,
        payer_account_id,
        commitment_id,
        case when pricing_model = 'reserved' then 'reservation' else 'savings_plan' end,
        usage_hour
    union all
    select
        billing_period,
        payer_account_id,
        commitment_id,
        'savings_plan' as commitment_type,
        commitment_pool,
        cast(0 as decimal(38, 10)) as used_cost,
        net_amortized_cost as unused_cost,
        cast(0 as decimal(38, 10)) as covered_list_cost,
        charge_class = 'commitment_to_come' as is_to_come,
        usage_hour
    from charges
    where
        charge_class in ('commitment_fee', 'commitment_to_come')
        and pricing_model = 'savings_plan'
    union all
    select
        billing_period,
        payer_account_id,
        coalesce(nullif(reservation_id, ''), '{{ unknown_commitment() }}') as commitment_id,
        'reservation' as commitment_type,
        commitment_pool,
        cast(0 as decimal(38, 10)) as used_cost,
        unused_cost,
        cast(0 as decimal(38, 10)) as covered_list_cost,
        is_to_come,
        usage_hour
    from {{ ref('int_unused_reservations') }}
    where {{ in_month('billing_period') }}
)

select
    -- who
    billing_period,
    payer_account_id,
    commitment_id,
    commitment_type,
    max(commitment_pool) as commitment_pool,

    -- what it cost
    {{ usd('sum(used_cost + unused_cost)') }} as commitment_cost,
    case
        when {{ is_past }} or sum(used_cost) <> 0 then {{ usd('sum(used_cost)') }}
    end as used_cost,
    case when {{ is_past }} then {{ usd('sum(unused_cost)') }} end as unused_cost,
    case
        when {{ is_past }} or sum(used_cost) <> 0 then {{ usd('sum(covered_list_cost)') }}
    end as covered_list_cost,

    -- when
    usage_hour
from parts
group by billing_period, payer_account_id, commitment_id, commitment_type, usage_hour
