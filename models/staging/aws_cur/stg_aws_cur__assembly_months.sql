-- Which months of usage every assembly has lines for, with the first and last hour: computed once,
-- when the assembly is new, and kept after its lines are pruned. So the months that have to be
-- refreshed are known before any line is priced.
{{ config(materialized='incremental', incremental_strategy='append') }}

with

assemblies as (
    select
        assemblies.assembly_id,
        assemblies.billing_period,
        assemblies.grain_hours
    from {{ source('aws_cur', 'assemblies') }} as assemblies
    inner join {{ source('aws_cur', '_dlt_loads') }} as loads
        on assemblies._dlt_load_id = loads.load_id and loads.status = 0
    {% if is_incremental() %}
        where assemblies.assembly_id not in (select known.assembly_id from {{ this }} as known)
    {% endif %}
),

lines as (
    select
        assemblies.assembly_id,
        assemblies.billing_period,
        assemblies.grain_hours,
        line_items.bill_payer_account_id as payer_account_id,
        line_items.line_item_line_item_type as line_item_type,
        coalesce(line_items.bill_invoice_id, '') as invoice_id,
        coalesce(line_items.bill_billing_entity, '') as billing_entity,
        concat(
            coalesce(line_items.reservation_reservation_a_r_n, ''),
            coalesce(line_items.savings_plan_savings_plan_a_r_n, '')
        ) as commitment_id,
        coalesce(line_items.line_item_usage_type, '') as usage_type,
        line_items.line_item_usage_start_date as started_at,
        coalesce(
            line_items.line_item_usage_end_date,
            line_items.line_item_usage_start_date + interval '1' hour
        ) as ended_at,
        {{ hour_of_line('line_items', 'assemblies') }} as usage_hour
    from {{ source('aws_cur', 'line_items') }} as line_items
    inner join assemblies on {{ in_assembly('assemblies') }}
    where coalesce(line_items.line_item_operation, '') not in ('EKSPod-EC2', 'ECSTask-EC2')
),

-- Few distinct months among many lines.
hours as (
    select
        assembly_id,
        billing_period,
        grain_hours,
        payer_account_id,
        usage_hour,
        line_item_type in (
            'Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage', 'FlatRateSubscription'
        )
        and not (line_item_type = 'Usage' and billing_entity = 'AWS Marketplace') as is_usage,
        commitment_id <> '' as has_commitment,
        line_item_type = 'SavingsPlanUpfrontFee'
        or {{ is_reservation_fee('line_item_type', 'commitment_id', 'usage_type') }}
            as is_prepayment,
        line_item_type like '%Discount' and line_item_type <> 'BundledDiscount' as is_discount,
        {{ hours_between('started_at', 'ended_at') }} as usage_hours,
        min(invoice_id) as least_invoice_id,
        max(ended_at) as ended_at
    from lines
    group by
        assembly_id,
        billing_period,
        grain_hours,
        payer_account_id,
        usage_hour,
        line_item_type,
        billing_entity,
        commitment_id <> '',
        {{ is_reservation_fee('line_item_type', 'commitment_id', 'usage_type') }},
        {{ hours_between('started_at', 'ended_at') }}
),

spans as (
    select
        *,
        usage_hours > grain_hours as is_period_charge,
        case
            when usage_hours > grain_hours
                then greatest({{ hours_between('usage_hour', 'ended_at') }}, 1)
            else grain_hours
        end as interval_hours
    from hours
)

select
    -- ids
    assembly_id,
    billing_period,
    payer_account_id,

    -- which month
    {{ month_of('usage_hour') }} as usage_month,

    -- what is in it
    max(case when has_commitment then 1 else 0 end) = 1 as has_commitments,
    max(case when is_prepayment then 1 else 0 end) = 1 as has_prepayments,
    max(case when is_discount then 1 else 0 end) = 1 as has_discounts,
    min(least_invoice_id) <> '' as is_invoiced,

    -- when
    min(usage_hour) as first_hour,
    max(usage_hour) as last_hour,
    max({{ plus_hours('usage_hour', 'interval_hours') }}) as end_hour,
    min(case when is_usage and not is_period_charge then usage_hour end) as usage_first_hour,
    max(
        case
            when is_usage and not is_period_charge
                then {{ plus_hours('usage_hour', 'interval_hours') }}
        end
    ) as usage_end_hour,
    -- The last day of a daily report may still be open: usage of a whole day ends with it.
    max(
        case
            when is_usage and not is_period_charge
                then case
                        when
                            grain_hours > 1
                            and {{ hours_between('usage_hour', 'ended_at') }} < grain_hours
                            then usage_hour
                        else {{ plus_hours('usage_hour', 'interval_hours') }}
                    end
        end
    ) as usage_whole_until,
    max(case when is_usage then usage_hour end) as usage_last_hour
from spans
group by assembly_id, billing_period, payer_account_id, {{ month_of('usage_hour') }}
